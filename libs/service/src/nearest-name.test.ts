import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from './nearest-name.ts';

describe('nearestName', () => {
  const known = ['port', 'host', 'maxPacketBytes', 'allowAnonymous'];

  it.each([
    ['prot', 'port'],
    ['maxPaketBytes', 'maxPacketBytes'],
    ['max-packet-bytes', 'maxPacketBytes'],
    ['AllowAnonymous', 'allowAnonymous'],
  ])('%s is most likely %s', (name, expected) => {
    expect(nearestName(name, known)).toBe(expected);
  });

  it('suggests nothing for a word that is like none', () => {
    expect(nearestName('colour', known)).toBeUndefined();
    expect(nearestName('x', known)).toBeUndefined();
  });
});

describe('editDistance', () => {
  it.each([
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['same', 'same', 0],
  ])('%s, %s: %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});
