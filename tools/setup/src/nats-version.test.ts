import { describe, expect, it } from 'vitest';
import { isUsable, parseVersion } from './nats-version.mjs';

describe('nats-server version', () => {
  it.each([
    ['nats-server: v2.15.1\n', [2, 15, 1]],
    ['nats-server: v2.16.0-RC.1', [2, 16, 0]],
    ['2.9.10', [2, 9, 10]],
  ])('reads %j', (text, version) => expect(parseVersion(text)).toEqual(version));

  it('reads nothing from other output', () =>
    expect(parseVersion('usage: nats-server [options]')).toBeUndefined());

  it.each([
    [[2, 15, 0], true],
    [[2, 99, 3], true],
    [[2, 14, 9], false],
    [[3, 0, 0], false],
    [[1, 20, 0], false],
  ] as const)('%j usable: %s', (version, usable) => expect(isUsable(version)).toBe(usable));
});
