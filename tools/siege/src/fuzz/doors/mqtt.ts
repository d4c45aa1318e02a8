import { PINGREQ, PINGRESP } from '../../mqtt/packets.ts';
import { GREETING_MS, PATIENCE_MS, type FuzzedDoor } from '../door.ts';
import { openLine } from '../line.ts';
import { mutate } from '../mutate.ts';
import { someConnect, somePacket } from '../mqtt-seeds.ts';

/** MQTT over TCP: packets of 3.1.1 and 5 after a good CONNECT, and now and then a mutated CONNECT. */
export function mqttDoor(
  name: string,
  service: string,
  host: string,
  port: number,
  only311 = false,
): FuzzedDoor {
  return {
    name,
    service,
    async open(random) {
      const level = only311 || random(2) === 0 ? 4 : 5;
      const line = await openLine(host, port);
      let greeted = random(16) === 0;
      if (!greeted) {
        line.write(someConnect(level, random));
        await line.heard((bytes) => bytes.length > 0, GREETING_MS);
      }
      return {
        get open() {
          return line.open;
        },
        async send(random) {
          const bytes = mutate(greeted ? someConnect(level, random) : somePacket(level, random), random);
          greeted = false;
          line.write(bytes);
          line.write(PINGREQ);
          const fate = await line.heard((came) => came.includes(PINGRESP), PATIENCE_MS);
          if (fate === 'silent') line.drop();
          return fate;
        },
        drop: () => line.drop(),
      };
    },
  };
}
