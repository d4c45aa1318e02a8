import { DEFAULT_TOPIC_LIMITS } from '@trivium/contracts';
import type { TopicFilter } from '@trivium/contracts';
import { describe, expect, test } from 'vitest';
import { encodeSuback } from './codec/encode.ts';
import type { ConnectPacket, ControlPacket, SubscriptionRequest } from './codec/packets.ts';
import { NEW_SESSION } from './session.ts';
import type {
  OpenSession,
  Session,
  SessionClient,
  SessionEffect,
  SessionInput,
  SessionRules,
  SessionView,
} from './session.ts';
import { step } from './session-step.ts';

const rules: SessionRules = {
  maxClientIdBytes: 100,
  maxSubscriptions: 3,
  maxSessionBytes: 16_384,
  topicLimits: { ...DEFAULT_TOPIC_LIMITS, maxTopicLevels: 4 },
  sessionExpirySeconds: 1_000,
  ...{ receiveMaximum: 20, maxPacketBytes: 5_000, topicAliasMaximum: 10, maxKeepAliveSeconds: 0 },
  offersMethod: (name) => name === 'M',
  assignId: () => 'made-up',
};
const nothing: SessionView = {
  subscriptions: new Map(),
  storedBytes: 0,
  isOpen: () => false,
  awaits: () => undefined,
  rulingOn: () => 'granted',
  expirySeconds: 0,
};

const base: ConnectPacket = {
  type: 'connect',
  level: 4,
  clientId: 'c1',
  clean: true,
  keepAliveSeconds: 30,
  will: undefined,
  username: undefined,
  password: undefined,
  properties: undefined,
};
const client = {
  ...{
    id: 'c1',
    assigned: false,
    level: 4,
    keepAliveSeconds: 30,
    fresh: true,
    expirySeconds: 0,
    will: undefined,
  },
  ...{ receiveMaximum: 65_535, maximumPacketBytes: Infinity, topicAliasMaximum: 0, problemInformation: true },
  ...{ principal: 'anonymous', authMethod: undefined },
  connack: undefined,
} as const satisfies SessionClient;
const open: OpenSession = { phase: 'open', client };

const take = (session: Session, input: SessionInput, view = nothing) => step(session, input, rules, view);
const packet = (p: ControlPacket): SessionInput => ({ on: 'packet', packet: p });
/** CONNECT of an anonymous client, or with a method. */
const connect = (fields: Partial<ConnectPacket> = {}) => {
  const first = take(NEW_SESSION, packet({ ...base, ...fields }));
  if (first.session.phase !== 'signing-in') return first;
  return take(first.session, { on: 'signed-in', principal: 'anonymous' });
};
const hex = (effects: readonly SessionEffect[]): string[] =>
  effects.flatMap((effect) => (effect.do === 'send' ? [effect.packet.toString('hex')] : []));
const reason = (effects: readonly SessionEffect[]): string | undefined =>
  effects.flatMap((effect) => (effect.do === 'close' ? [effect.reason] : []))[0];
const request = (filter: string, qos: 0 | 1 | 2): SubscriptionRequest => ({
  filter,
  qos,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
});

describe('CONNECT', () => {
  test('is claimed before it is answered', () => {
    const { session, effects } = connect();
    expect(session).toEqual({ phase: 'claiming', client });
    expect(effects).toEqual([{ do: 'claim', client }]);
  });

  test('[MQTT3-3.2.0-1] [MQTT3-3.2.2-1] [MQTT3-3.1.4-4] then answered with CONNACK 0, session present 0', () => {
    const { session, effects } = take(connect().session, { on: 'claimed', present: false });
    expect(session).toEqual(open);
    expect(effects[0]).toEqual({ do: 'open', client });
    expect(hex(effects)).toEqual(['20020000']);
  });

  test('[MQTT3-3.1.3-6] [MQTT3-3.1.3-7] an empty client id with clean session gets one', () => {
    expect(connect({ clientId: '' }).session).toMatchObject({ client: { id: 'made-up', assigned: true } });
  });

  test('[MQTT3-3.1.3-8] an empty client id without clean session is refused with 0x02', () => {
    const { effects } = connect({ clientId: '', clean: false });
    expect([hex(effects), reason(effects)]).toEqual([['20020002'], 'client-id.invalid']);
  });

  test('MQTT 3.1 assigns no ids', () => {
    expect(hex(connect({ clientId: '', level: 3 }).effects)).toEqual(['20020002']);
  });

  test('[MQTT3-3.1.3-5] an id of 23 characters is taken; [MQTT3-3.1.3-9] one that is too long is refused with 0x02', () => {
    expect(connect({ clientId: '0123456789abcdefghijXYZ' }).session.phase).toBe('claiming');
    const { effects } = connect({ clientId: 'ü'.repeat(51) });
    expect([hex(effects), reason(effects)]).toEqual([['20020002'], 'client-id.invalid']);
  });

  test('[MQTT3-3.1.2-4] without clean session what was there is restored after CONNACK, before anything else', () => {
    const persistent = { ...client, fresh: false, expirySeconds: 1_000 };
    const claimed = take(connect({ clean: false }).session, { on: 'claimed', present: true });
    expect(claimed.session).toEqual({ phase: 'restoring', client: persistent });
    expect(claimed.effects.map((effect) => effect.do)).toEqual(['open', 'send', 'restore']);
    const { session, effects } = take(claimed.session, { on: 'done' });
    expect([session, effects]).toEqual([{ phase: 'open', client: persistent }, []]);
    const failed = take(claimed.session, { on: 'failed', code: 'bus.unavailable' });
    expect(reason(failed.effects)).toBe('bus.unavailable');
  });

  test('[MQTT3-3.2.2-2] [MQTT3-3.2.2-3] session present says whether there was one', () => {
    const { session } = connect({ clean: false });
    expect(hex(take(session, { on: 'claimed', present: true }).effects)).toEqual(['20020100']);
    expect(hex(take(session, { on: 'claimed', present: false }).effects)).toEqual(['20020000']);
    const old = connect({ clean: false, level: 3 });
    expect(hex(take(old.session, { on: 'claimed', present: true }).effects)).toEqual(['20020000']);
  });

  test('a will is part of the claim; one on a topic that the door does not take is refused', () => {
    const will = {
      topic: 'w',
      payload: Buffer.from('x'),
      qos: 1,
      retain: true,
      properties: undefined,
    } as const;
    const message = { topic: 'w', payload: 'eA==', qos: 1, retain: true };
    expect(connect({ will }).effects).toEqual([{ do: 'claim', client: { ...client, will: message } }]);
    const deep = connect({ will: { ...will, topic: '1/2/3/4/5' } });
    expect([hex(deep.effects), reason(deep.effects)]).toEqual([['20020005'], 'topic.too-deep']);
  });

  test('[MQTT3-3.1.2-2] an unknown protocol level is answered with 0x01 and the end', () => {
    const error = { code: 'protocol.unsupported-version', message: '' } as const;
    const { session, effects } = take(NEW_SESSION, { on: 'refused', error });
    expect([hex(effects), session.phase]).toEqual([['20020001'], 'closed']);
  });

  test('[MQTT3-3.1.4-1] [MQTT3-3.1.2-1] a malformed one is not answered', () => {
    const error = { code: 'protocol.malformed', message: '' } as const;
    expect(take(NEW_SESSION, { on: 'refused', error }).effects).toMatchObject([
      { do: 'close', reason: error.code },
    ]);
  });

  test('[MQTT3-3.2.2-4] [MQTT3-3.2.2-5] a hub without its bus says 0x03 and ends', () => {
    const { effects } = take(connect().session, { on: 'claim-failed', code: 'bus.unavailable' });
    expect([hex(effects), reason(effects)]).toEqual([['20020003'], 'bus.unavailable']);
  });

  test('[MQTT3-3.1.0-1] is the first packet', () => {
    expect(reason(take(NEW_SESSION, packet({ type: 'pingreq' })).effects)).toBe('protocol.error');
  });

  test('[MQTT3-3.1.0-2] is not sent twice', () => {
    expect(reason(take(open, packet(base)).effects)).toBe('protocol.error');
  });
});

const PLAIN = { sendRetained: true, noLocal: false, retainAsPublished: false };

describe('SUBSCRIBE', () => {
  const subscribe = (requests: SubscriptionRequest[], view = nothing) =>
    take(open, packet({ type: 'subscribe', packetId: 10, requests, properties: undefined }), view);

  test('[MQTT3-3.8.4-1] [MQTT3-3.8.4-2] [MQTT3-3.8.4-5] SUBACK follows when they are active: one code each, in order', () => {
    const made = subscribe([request('a', 0), request('b/#', 1)]);
    expect(made.effects).toEqual([
      {
        do: 'subscribe',
        subscriptions: [
          { filter: 'a', qos: 0, ...PLAIN },
          { filter: 'b/#', qos: 1, ...PLAIN },
        ],
      },
    ]);
    const done = take(made.session, { on: 'done' });
    expect([done.session, hex(done.effects)]).toEqual([open, ['9004000a0001']]);
  });

  test('[MQTT3-3.8.4-6] QoS 2 is granted as 2', () => {
    const { session, effects } = subscribe([request('a', 2)]);
    expect(effects).toMatchObject([{ subscriptions: [{ filter: 'a', qos: 2 }] }]);
    expect(session).toMatchObject({ answer: encodeSuback(4, 10, [2]) });
  });

  test('[MQTT3-3.9.3-2] a filter that is not taken gets 0x80, the others are made', () => {
    const { session, effects } = subscribe([
      request('1/2/3/4/5', 0),
      request('1/2/3/4/6', 0),
      request('ok', 0),
    ]);
    expect(effects).toMatchObject([{ subscriptions: [{ filter: 'ok' }] }]);
    expect(session).toMatchObject({ answer: encodeSuback(4, 10, [0x80, 0x80, 0]) });
  });

  test('when none is taken there is nothing to wait for', () => {
    const { session, effects } = subscribe([request('1/2/3/4/5', 0)]);
    expect([session, hex(effects)]).toEqual([open, ['9003000a80']]);
  });

  test('more filters than a client may have are refused; the same one again is not more', () => {
    const view = {
      ...nothing,
      subscriptions: new Map([
        ['a' as TopicFilter, 1],
        ['b' as TopicFilter, 1],
      ]),
    };
    const { session } = subscribe([request('a', 1), request('c', 1), request('c', 0), request('d', 1)], view);
    expect(session).toMatchObject({ answer: encodeSuback(4, 10, [1, 1, 0, 0x80]) });
  });

  test('the filters of a session that is stored may take so much of its record; of one that is not there is none', () => {
    const long = 'x'.repeat(4_000);
    const requests = ['a', 'b', 'c', 'd'].map((last) => request(`${long}${last}`, 1));
    const rooms = {
      ...rules,
      maxSubscriptions: 10,
      topicLimits: { maxTopicBytes: 5_000, maxTopicLevels: 4 },
    };
    const codes = (storedBytes: number | undefined): unknown =>
      step(
        open,
        packet({
          type: 'subscribe',
          packetId: 10,
          requests: [...requests, request('y', 1)],
          properties: undefined,
        }),
        rooms,
        { ...nothing, storedBytes },
      ).session;
    expect(codes(0)).toMatchObject({ answer: encodeSuback(4, 10, [1, 1, 1, 1, 1]) });
    expect(codes(1_000)).toMatchObject({ answer: encodeSuback(4, 10, [1, 1, 1, 0x80, 1]) });
    expect(codes(undefined)).toMatchObject({ answer: encodeSuback(4, 10, [1, 1, 1, 1, 1]) });
  });

  test('one that cannot be made ends the connection, so that the client asks again', () => {
    const { session } = subscribe([request('a', 0)]);
    const { effects } = take(session, { on: 'failed', code: 'bus.unavailable' });
    expect([hex(effects), reason(effects)]).toEqual([[], 'bus.unavailable']);
  });
});

test('[MQTT3-3.10.4-4] [MQTT3-3.10.4-5] UNSUBSCRIBE: gone first, then UNSUBACK, whatever was there', () => {
  const { session, effects } = take(
    open,
    packet({ type: 'unsubscribe', packetId: 0x0102, filters: ['a', 'b'], properties: undefined }),
  );
  expect(effects).toEqual([{ do: 'unsubscribe', filters: ['a', 'b'] }]);
  const done = take(session, { on: 'done' });
  expect([done.session, hex(done.effects)]).toEqual([open, ['b0020102']]);
});

test('[MQTT3-3.12.4-1] PINGREQ is answered with PINGRESP', () => {
  expect(hex(take(open, packet({ type: 'pingreq' })).effects)).toEqual(['d000']);
});

test('DISCONNECT ends the session', () => {
  const { session, effects } = take(open, packet({ type: 'disconnect', reason: 0, properties: undefined }));
  expect([session.phase, reason(effects)]).toEqual(['closed', 'client.disconnected']);
});

describe('acknowledgements', () => {
  const acknowledge = (type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', view = nothing) =>
    take(open, packet({ type, packetId: 5, reason: 0, properties: undefined }), view).effects;

  test('PUBACK', () => {
    expect(acknowledge('puback')).toEqual([{ do: 'acknowledged', packetId: 5 }]);
  });

  test('PUBREC for a QoS 1 message is an error', () => {
    expect(reason(acknowledge('pubrec', { ...nothing, isOpen: (id) => id === 5 }))).toBe('protocol.error');
  });

  test('of the wrong kind, or too early, they are an error', () => {
    const awaits = (what: 'pubrec' | 'pubcomp') => ({ ...nothing, awaits: () => what });
    expect(reason(acknowledge('puback', awaits('pubrec')))).toBe('protocol.error');
    expect(reason(acknowledge('puback', awaits('pubcomp')))).toBe('protocol.error');
    expect(reason(acknowledge('pubcomp', awaits('pubrec')))).toBe('protocol.error');
    expect(reason(acknowledge('pubcomp', { ...nothing, isOpen: () => true }))).toBe('protocol.error');
    expect(acknowledge('pubcomp', awaits('pubcomp'))).toEqual([{ do: 'completed', packetId: 5 }]);
  });

  test('those of QoS 2 go to its exchanges', () => {
    expect(acknowledge('pubrec')).toEqual([{ do: 'received', packetId: 5 }]);
    expect(acknowledge('pubrel')).toEqual([{ do: 'released', packetId: 5 }]);
    expect(acknowledge('pubcomp')).toEqual([{ do: 'completed', packetId: 5 }]);
  });
});

test('nothing happens after the end', () => {
  const closed: Session = { phase: 'closed' };
  for (const input of [
    packet({ type: 'pingreq' }),
    { on: 'claimed', present: true },
    { on: 'done' },
  ] as SessionInput[])
    expect(take(closed, input)).toEqual({ session: closed, effects: [] });
});

test('what cannot happen ends the connection as a defect', () => {
  expect(reason(take(open, { on: 'claimed', present: false }).effects)).toBe('defect');
  expect(reason(take(connect().session, packet({ type: 'pingreq' })).effects)).toBe('defect');
});
