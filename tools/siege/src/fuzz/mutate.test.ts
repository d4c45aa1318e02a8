import { expect, test } from 'vitest';
import { randomFrom } from '@trivium/testing';
import { mutate } from './mutate.ts';

const PACKET = Buffer.from('a packet of some length');

test('one seed gives the same packets again', () => {
  const series = (seed: number) => {
    const random = randomFrom(seed);
    return Array.from({ length: 50 }, () => mutate(PACKET, random).toString('hex'));
  };
  expect(series(3)).toEqual(series(3));
  expect(series(3)).not.toEqual(series(4));
});

test('a packet is changed, never empty, and what it was made of stays as it is', () => {
  const random = randomFrom(1);
  const before = Buffer.from(PACKET);
  const made = Array.from({ length: 500 }, () => mutate(PACKET, random));
  expect(PACKET).toEqual(before);
  expect(made.every(({ length }) => length > 0)).toBe(true);
  expect(made.filter((bytes) => bytes.equals(before)).length).toBeLessThan(10);
});
