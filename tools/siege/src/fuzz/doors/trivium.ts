import { pick } from '../../random.ts';
import { PATIENCE_MS, type FuzzedDoor } from '../door.ts';
import { mutate } from '../mutate.ts';
import { frame, hasPong, openWebSocket, PING_FRAME, TEXT } from '../web-socket.ts';

const FRAMES = [
  '{"op":"pub","id":1,"topic":"siege/a","payload":{"a":[1,2,3]},"qos":1}',
  '{"op":"pub","id":"two","topic":"siege/ü","payloadBase64":"AAECAw==","qos":0,"retain":false}',
  '{"op":"pub","id":3,"topic":"siege/c","payload":"text","contentType":"text/plain","properties":{"messageExpiry":60,"userProperties":[["a","b"]]}}',
  '{"op":"sub","id":4,"filters":[{"filter":"siege/#","qos":1},"siege/+"],"from":0}',
  '{"op":"unsub","id":5,"filters":["siege/#"]}',
  '{"op":"ack","pos":12}',
  '{"op":"cmd","id":6,"device":"nobody","name":"reboot","payload":1,"timeoutMs":1000}',
  '{"op":"reply","id":"7","payload":"done"}',
  '{"op":"auth","id":8,"token":"tvk_aaaaaaaaaaaa_bbbb"}',
  '{"op":"ping","id":9}',
].map((text) => Buffer.from(text));

/** `trivium.v1`: mutated JSON in good frames, and good JSON in mutated frames. */
export function triviumDoor(host: string, port: number): FuzzedDoor {
  return {
    name: 'trivium.v1',
    service: 'ws-ingress',
    async open() {
      const line = await openWebSocket(host, port, 'trivium.v1');
      return {
        get open() {
          return line.open;
        },
        async send(random) {
          const json = pick(random, FRAMES);
          const inFrame = random(4) > 0;
          line.write(inFrame ? frame(TEXT, mutate(json, random)) : mutate(frame(TEXT, json), random));
          line.write(PING_FRAME);
          const fate = await line.heard(hasPong, PATIENCE_MS);
          if (fate === 'silent') line.drop();
          return fate;
        },
        drop: () => line.drop(),
      };
    },
  };
}
