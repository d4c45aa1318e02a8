import { X509Certificate } from 'node:crypto';
import { CommandError, EXIT, UsageError, type Invocation } from '../command.ts';
import { readFile } from '../read-file.ts';
import { wordsOf } from '../words.ts';
import { change } from './change.ts';

export async function pin(invocation: Invocation): Promise<number> {
  const { args, json, out } = invocation;
  const { words, options } = wordsOf(args, { least: 1, most: Infinity, flags: ['none'] as const });
  const [name, ...files] = words as [string, ...string[]];
  if ((files.length === 0) !== (options.none === true))
    throw new UsageError('certificates are missing, or --none');
  const certificates = [...new Set(files.map(fingerprint))];
  await change(invocation, { name, certificates: options.none === true ? null : certificates });
  if (json) out(`${JSON.stringify({ name, certificates })}\n`);
  else if (options.none) out(`${name}: any certificate of the site will do that has its name\n`);
  else out(`${name}: no certificate will do but ${certificates.join(', ')}\n`);
  return EXIT.ok;
}

/** SHA-256 of the DER. */
function fingerprint(file: string): string {
  try {
    return new X509Certificate(readFile(file)).fingerprint256.replaceAll(':', '').toLowerCase();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${file}: no certificate is in it`);
  }
}
