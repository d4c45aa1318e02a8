import { expect, test } from 'vitest';
import { doorLeaseKey, partitionLeaseKey } from './leases.ts';
import { presenceKey } from './presence.ts';
import {
  actorSubject,
  clientSubject,
  contractLetterSubject,
  doorSubject,
  eventSubject,
  partitionSubject,
  positionSubject,
  retainedSubject,
} from './subjects.ts';

test('subjects carry ids as one token each', () => {
  expect(eventSubject('connected', 'a.b *')).toBe('tv1.e.connected.a%2Eb%20%2A');
  expect(clientSubject('d1', 'a/b')).toBe('tv1.c.d1.a%2Fb');
  expect(actorSubject(0, '')).toBe('tv1.d.0.%');
  expect(retainedSubject('a.%.b')).toBe('tv1.r.a.%.b');
  expect(contractLetterSubject('v1.2')).toBe('tv1.l.contract.v1%2E2');
  expect(positionSubject(31)).toBe('tv1.x.31');
});

test('what a door or a router subscribes to covers what is sent to it', () => {
  expect(clientSubject('d1', '>').startsWith(doorSubject('d1').slice(0, -1))).toBe(true);
  expect(actorSubject(3, '*').startsWith(partitionSubject(3).slice(0, -1))).toBe(true);
});

test('keys carry ids as one token each', () => {
  expect([doorLeaseKey('a.b'), partitionLeaseKey(7), presenceKey('x y')]).toEqual([
    'door.a%2Eb',
    'partition.7',
    'presence.x%20y',
  ]);
});
