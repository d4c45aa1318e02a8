import type { MqttDoor, MqttDoorOptions } from './mqtt-door.ts';

export function createMqttDoor(_options: MqttDoorOptions): MqttDoor {
  throw new Error('being built');
}
