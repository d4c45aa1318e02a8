import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { change } from './change.ts';

export const disable = (invocation: Invocation): Promise<number> => set(invocation, true);
export const enable = (invocation: Invocation): Promise<number> => set(invocation, false);

async function set(invocation: Invocation, disabled: boolean): Promise<number> {
  const { args, json, out } = invocation;
  const { words: names } = wordsOf(args, { least: 1, most: Infinity });
  const what = disabled ? 'disabled' : 'enabled';
  for (const name of names) {
    await change(invocation, { name, disabled });
    if (!json) out(`${name}: ${what}\n`);
  }
  if (json) out(`${JSON.stringify({ [what]: names })}\n`);
  return EXIT.ok;
}
