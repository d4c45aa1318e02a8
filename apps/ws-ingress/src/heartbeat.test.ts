import { expect, test } from 'vitest';
import { createHeartbeat } from './heartbeat.ts';

const INTERVAL = 30_000;

function watched() {
  return {
    bytesRead: 0,
    isPaused: false,
    pings: 0,
    deaths: 0,
    ping() {
      this.pings++;
    },
    dead() {
      this.deaths++;
    },
  };
}

function setUp() {
  const heartbeat = createHeartbeat(INTERVAL, () => 0);
  const peer = watched();
  return { heartbeat, peer, unwatch: heartbeat.watch(peer) };
}

test('a silent peer is pinged once after an interval and given up after two', () => {
  const { heartbeat, peer } = setUp();
  heartbeat.tick(INTERVAL - 1);
  expect(peer.pings).toBe(0);
  heartbeat.tick(INTERVAL);
  heartbeat.tick(INTERVAL + 1_000);
  expect([peer.pings, peer.deaths]).toEqual([1, 0]);
  heartbeat.tick(2 * INTERVAL);
  heartbeat.tick(3 * INTERVAL);
  expect([peer.pings, peer.deaths]).toEqual([1, 1]);
});

test('whatever is heard, a pong or a message, begins the interval anew', () => {
  const { heartbeat, peer } = setUp();
  heartbeat.tick(INTERVAL);
  peer.bytesRead = 2;
  heartbeat.tick(INTERVAL + 1_000);
  heartbeat.tick(2 * INTERVAL);
  expect([peer.pings, peer.deaths]).toEqual([1, 0]);
  heartbeat.tick(2 * INTERVAL + 1_000);
  expect(peer.pings).toBe(2);
});

test('a peer that we do not read from is not blamed for its silence', () => {
  const { heartbeat, peer } = setUp();
  peer.isPaused = true;
  for (let at = 0; at < 10 * INTERVAL; at += 1_000) heartbeat.tick(at);
  expect([peer.pings, peer.deaths]).toEqual([0, 0]);
});

test('a peer that left is forgotten', () => {
  const { heartbeat, peer, unwatch } = setUp();
  unwatch();
  heartbeat.tick(2 * INTERVAL);
  expect(peer.deaths).toBe(0);
});
