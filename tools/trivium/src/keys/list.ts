import { storedApiKeys, type StoredApiKey } from '@trivium/identity';
import { EXIT, type Invocation } from '../command.ts';
import { table } from '../table.ts';
import { timeText } from '../time-text.ts';
import { wordsOf } from '../words.ts';

export async function list({ args, json, out, bus }: Invocation): Promise<number> {
  wordsOf(args, { least: 0 });
  const keys = await storedApiKeys(await bus());
  if (json) out(`${JSON.stringify({ keys: keys.map(withoutHash) }, null, 2)}\n`);
  else if (keys.length === 0) out('no keys\n');
  else out(table(['id', 'name', 'groups', 'created', 'last used', 'expires'], keys.map(row)));
  return EXIT.ok;
}

function withoutHash({ v: _v, hash: _hash, ...key }: StoredApiKey): object {
  return key;
}

function row({ id, name, groups, createdAt, usedAt, expiresAt }: StoredApiKey): string[] {
  const expired = expiresAt !== undefined && expiresAt <= Date.now();
  return [
    ...[id, name, groups.join(', '), timeText(createdAt), timeText(usedAt)],
    expired ? `expired ${timeText(expiresAt)}` : timeText(expiresAt),
  ];
}
