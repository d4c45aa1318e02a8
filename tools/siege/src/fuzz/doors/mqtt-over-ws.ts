import { GREETING_MS, PATIENCE_MS, type FuzzedDoor } from '../door.ts';
import { mutate } from '../mutate.ts';
import { someConnect, somePacket } from '../mqtt-seeds.ts';
import { BINARY, frame, hasPong, openWebSocket, PING_FRAME } from '../web-socket.ts';

/** MQTT over WebSocket: mutated packets in good frames, and good packets in mutated frames. */
export function mqttOverWsDoor(host: string, port: number): FuzzedDoor {
  return {
    name: 'mqtt-ws',
    service: 'ws-ingress',
    async open(random) {
      const level = random(2) === 0 ? 4 : 5;
      const line = await openWebSocket(host, port, 'mqtt');
      line.write(frame(BINARY, someConnect(level, random)));
      await line.heard((bytes) => bytes.length > 0, GREETING_MS);
      return {
        get open() {
          return line.open;
        },
        async send(random) {
          const packet = somePacket(level, random);
          const inFrame = random(4) > 0;
          line.write(inFrame ? frame(BINARY, mutate(packet, random)) : mutate(frame(BINARY, packet), random));
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
