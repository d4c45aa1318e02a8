import { X509Certificate as NodeCertificate } from 'node:crypto';
import { CommandError, EXIT, type Invocation } from '../command.ts';
import { readFile } from '../read-file.ts';
import { wordsOf } from '../words.ts';
import { X509Crl } from './x509.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;
const DAY_MS = 86_400_000;

type Shown = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export async function show({ args, json, out }: Invocation): Promise<number> {
  const { words: files } = wordsOf(args, { least: 1, most: Infinity });
  const shown = files.flatMap((file) => contents(file));
  if (json) out(`${JSON.stringify({ shown }, null, 2)}\n`);
  else out(shown.map(asLines).join('\n'));
  return EXIT.ok;
}

function contents(file: string): Shown[] {
  const blocks = [...readFile(file).toString().matchAll(BLOCK)];
  if (blocks.length === 0) throw new CommandError(`${file}: nothing in PEM form is in it`);
  return blocks.map(([pem, kind]) => {
    if (kind!.endsWith('PRIVATE KEY')) return { file, kind: 'private key' };
    try {
      if (kind === 'CERTIFICATE')
        return { file, kind: 'certificate', ...certificate(new NodeCertificate(pem)) };
      if (kind === 'X509 CRL') return { file, kind: 'revocation list', ...list(new X509Crl(pem)) };
    } catch (cause) {
      throw new CommandError(`${file}: a ${kind!.toLowerCase()} in it cannot be read`, { cause });
    }
    return { file, kind: kind!.toLowerCase() };
  });
}

function certificate(read: NodeCertificate): Shown {
  return {
    subject: oneLine(read.subject),
    issuer: oneLine(read.issuer),
    ...(read.subjectAltName === undefined ? {} : { names: read.subjectAltName.split(', ') }),
    authority: read.ca,
    serial: read.serialNumber.toLowerCase(),
    from: read.validFromDate.toISOString(),
    until: read.validToDate.toISOString(),
    daysLeft: Math.floor((read.validToDate.getTime() - Date.now()) / DAY_MS),
    /** As `devices pin` keeps it. */
    sha256: read.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

function list(read: X509Crl): Shown {
  return {
    issuer: read.issuer,
    from: read.thisUpdate.toISOString(),
    ...(read.nextUpdate === undefined ? {} : { until: read.nextUpdate.toISOString() }),
    revoked: read.entries.map(({ serialNumber }) => serialNumber),
  };
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');

function asLines({ file, kind, ...rest }: Shown): string {
  const lines = Object.entries(rest).map(([name, value]) => `  ${name.padEnd(9)} ${asText(value)}\n`);
  return `${String(file)}: ${String(kind)}\n${lines.join('')}`;
}

function asText(value: Shown[string]): string {
  if (typeof value === 'object') return value.length === 0 ? '(none)' : value.join(', ');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}
