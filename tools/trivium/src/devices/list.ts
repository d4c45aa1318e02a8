import { EXIT, type Invocation } from '../command.ts';
import { table } from '../table.ts';
import { timeText } from '../time-text.ts';
import { wordsOf } from '../words.ts';
import { deviceViews, type DeviceView } from './directory.ts';

export async function list({ args, json, out, bus }: Invocation): Promise<number> {
  const { options } = wordsOf(args, { least: 0, options: ['group'] as const });
  const { group } = options;
  const all = await deviceViews(await bus());
  const devices = group === undefined ? all : all.filter((device) => isOf(device, group));
  if (json) out(`${JSON.stringify({ devices }, null, 2)}\n`);
  else if (devices.length === 0) out('no devices\n');
  else out(table(['name', 'groups', 'proofs', 'state', 'last seen'], devices.map(row)));
  return EXIT.ok;
}

function isOf({ groups, proofs }: DeviceView, group: string): boolean {
  return groups.length === 0 ? group === 'devices' && proofs.length > 0 : groups.includes(group);
}

function row({ name, groups, proofs, disabled, online, lastSeenAt }: DeviceView): string[] {
  const state = disabled ? 'disabled' : online ? 'online' : 'offline';
  const credentials = proofs.length === 0 ? 'none' : proofs.join(', ');
  return [name, groups.join(', '), credentials, state, timeText(lastSeenAt)];
}
