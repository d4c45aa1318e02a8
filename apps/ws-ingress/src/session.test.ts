import { describe, expect, test } from 'vitest';
import { decodeFrame } from './codec.ts';
import { DEFAULT_LIMITS, NEW_SESSION, step, type Session } from './session.ts';

const NOW = 1_000_000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function effectsOf(frame: object, session: Session = NEW_SESSION) {
  return step(session, decodeFrame(JSON.stringify(frame)), NOW, DEFAULT_LIMITS).effects;
}

function errorOf(frame: object): unknown {
  const [effect] = effectsOf(frame);
  return effect?.do === 'send' && effect.frame.op === 'err' ? effect.frame : effect;
}

describe('pub', () => {
  test('a message with everything it may carry', () => {
    const properties = {
      responseTopic: 'r/1',
      correlationData: 'AQI=',
      payloadFormat: 1,
      messageExpiry: 5,
      userProperties: [['k', 'v']],
      traceparent: '00-1',
    };
    const frame = {
      op: 'pub',
      id: 1,
      topic: 'a/b',
      payload: { t: 1 },
      qos: 1,
      contentType: 'application/json',
      properties,
    };
    expect(effectsOf(frame)).toEqual([
      {
        do: 'publish',
        id: 1,
        message: {
          topic: 'a/b',
          payload: bytes('{"t":1}'),
          qos: 1,
          retain: false,
          properties: {
            contentType: 'application/json',
            responseTopic: 'r/1',
            correlationData: new Uint8Array([1, 2]),
            payloadFormat: 1,
            expiresAt: NOW + 5_000,
            userProperties: [['k', 'v']],
            traceparent: '00-1',
          },
        },
      },
    ]);
  });

  test('one to be retained', () => {
    const message = { topic: 'a', payload: bytes('on'), qos: 1, retain: true };
    expect(effectsOf({ op: 'pub', topic: 'a', payload: 'on', qos: 1, retain: true })).toEqual([
      { do: 'publish', id: undefined, message },
    ]);
  });

  test('QoS 0 and no payload when it does not say', () => {
    const message = { topic: 'a', payload: bytes(''), qos: 0, retain: false };
    expect(effectsOf({ op: 'pub', topic: 'a' })).toEqual([{ do: 'publish', id: undefined, message }]);
  });

  test.each([
    [{ topic: '' }, 'topic.invalid'],
    [{ topic: 'a/+' }, 'topic.invalid'],
    [{ topic: 'a\0' }, 'topic.invalid'],
    [{ topic: 'x'.repeat(20_000) }, 'topic.too-long'],
    [{ topic: '/'.repeat(200) }, 'topic.too-deep'],
    [{ topic: 'a', payload: '', payloadBase64: '' }, 'payload.invalid'],
    [{ topic: 'a', payloadBase64: '*' }, 'payload.invalid'],
    [{ topic: 'a', properties: { responseTopic: 'r/#' } }, 'topic.invalid'],
    [{ topic: 'a', qos: 2 }, 'qos.unsupported'],
    [{ topic: 'cmd/d/n' }, 'auth.denied'],
    [{ topic: 'cmd/d/n/1/reply', qos: 1 }, 'auth.denied'],
  ])('%j is refused as %s', (members, code) => {
    expect(errorOf({ op: 'pub', id: 'x', ...members })).toMatchObject({ op: 'err', id: 'x', code });
  });
});

describe('sub and unsub', () => {
  test('QoS 2 is granted as 1, a filter alone is QoS 0', () => {
    const filters = [{ filter: 'a/+', qos: 2 }, { filter: 'b', qos: 1 }, { filter: 'c' }, '#'];
    expect(effectsOf({ op: 'sub', id: 4, filters, from: 9 })).toEqual([
      {
        do: 'subscribe',
        id: 4,
        from: 9,
        subs: [
          { filter: 'a/+', qos: 1, sendRetained: false },
          { filter: 'b', qos: 1, sendRetained: false },
          { filter: 'c', qos: 0, sendRetained: false },
          { filter: '#', qos: 0, sendRetained: false },
        ],
      },
    ]);
  });

  test.each([
    [{}, true],
    [{ from: 9 }, false],
    [{ retained: false }, false],
    [{ from: 9, retained: true }, true],
  ])('%j: what is retained follows: %s', (members, sendRetained) => {
    expect(effectsOf({ op: 'sub', filters: ['a'], ...members })).toMatchObject([
      { subs: [{ sendRetained }] },
    ]);
  });

  test.each([
    [['a', 'b/#/c'], 'filter.invalid'],
    [['$share/g/a'], 'share.unsupported'],
  ])('one wrong filter of %j refuses all of them', (filters, code) => {
    expect(errorOf({ op: 'sub', id: 1, filters })).toMatchObject({ op: 'err', id: 1, code });
    expect(errorOf({ op: 'unsub', id: 2, filters })).toMatchObject({ op: 'err', id: 2, code });
  });
});

describe('cmd and reply', () => {
  test('a command to a device is called with all that it carries, for 5 s unless it says otherwise', () => {
    const frame = { op: 'cmd', id: 7, device: 'pump 7', name: 'set', payload: [1], contentType: 'a/b' };
    const body = { payload: bytes('[1]'), properties: { contentType: 'a/b' } };
    const call = { id: 7, device: 'pump 7', name: 'set', body, timeoutMs: 5_000 };
    expect(effectsOf(frame)).toEqual([{ do: 'call', call }]);
    expect(effectsOf({ ...frame, timeoutMs: 20 })).toEqual([
      { do: 'call', call: { ...call, timeoutMs: 20 } },
    ]);
  });

  test('a reply names the command', () => {
    const body = { payload: new Uint8Array([0]) };
    expect(effectsOf({ op: 'reply', id: 'a-1', payloadBase64: 'AA==' })).toEqual([
      { do: 'reply', command: 'a-1', body },
    ]);
  });

  test.each([
    [{ device: '' }, 'client-id.invalid'],
    [{ device: 'a\0' }, 'client-id.invalid'],
    [{ device: '\ud800' }, 'client-id.invalid'],
    [{ device: 'ü'.repeat(32_768) }, 'client-id.invalid'],
    [{ name: '' }, 'topic.invalid'],
    [{ name: 'a/b' }, 'topic.invalid'],
    [{ name: '#' }, 'topic.invalid'],
    [{ name: 'n'.repeat(257) }, 'topic.too-long'],
    [{ payload: '', payloadBase64: '' }, 'payload.invalid'],
    [{ properties: { correlationData: '*' } }, 'payload.invalid'],
    [{ properties: { responseTopic: 'r/#' } }, 'topic.invalid'],
  ])('%j is refused as %s', (members, code) => {
    expect(errorOf({ op: 'cmd', id: 'x', device: 'd', name: 'n', ...members })).toMatchObject({
      ...{ op: 'err', id: 'x', code },
    });
  });
});

test('ack and ping', () => {
  expect(effectsOf({ op: 'ack', pos: 5 })).toEqual([{ do: 'acknowledge', id: undefined, pos: 5 }]);
  expect(effectsOf({ op: 'ping', id: 'p' })).toEqual([{ do: 'send', frame: { op: 'pong', id: 'p' } }]);
});

test('so many refusals in a row close the connection, a good frame between them forgives', () => {
  const limits = { ...DEFAULT_LIMITS, maxRefusedInARow: 3 };
  const bad = decodeFrame('nonsense');
  const good = decodeFrame('{"op":"ping"}');
  let session = NEW_SESSION;
  const run = (frame: typeof bad): string[] => {
    const next = step(session, frame, NOW, limits);
    session = next.session;
    return next.effects.map((effect) => effect.do);
  };
  expect([run(bad), run(bad), run(good), run(bad), run(bad)].flat()).toEqual([
    'send',
    'send',
    'send',
    'send',
    'send',
  ]);
  expect(run(bad)).toEqual(['send', 'close']);
});
