import type { Site } from '../site.ts';
import type { FuzzedDoor } from './door.ts';
import { httpDoor } from './doors/http.ts';
import { mqttDoor } from './doors/mqtt.ts';
import { mqttOverWsDoor } from './doors/mqtt-over-ws.ts';
import { triviumDoor } from './doors/trivium.ts';

export const DOOR_NAMES = ['mqtt', 'mqtt-ws', 'trivium.v1', 'http', 'aedes'] as const;

/** Every door of the site, by the names above. */
export function fuzzedDoors({ host, ports }: Site): FuzzedDoor[] {
  return [
    mqttDoor('mqtt', 'mqtt-ingress', host, ports.mqtt),
    mqttOverWsDoor(host, ports.ws),
    triviumDoor(host, ports.ws),
    httpDoor(host, ports.http),
    mqttDoor('aedes', 'mqtt-ingress-aedes', host, ports.aedes, true),
  ];
}
