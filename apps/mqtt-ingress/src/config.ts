import { mqttSection } from '@trivium/mqtt';
import { checkListener, serviceSchema } from '@trivium/service';
import type { Static } from 'typebox';

/** The settings of this service: the shared ones and `mqtt`. */
export const configSchema = serviceSchema(9101, { mqtt: mqttSection });
export type Config = Static<typeof configSchema>;

/** Rules across settings. */
export function checkConfig({ mqtt, allowAnonymous }: Config) {
  return [checkListener({ setting: 'mqtt.host', host: mqtt.host, allowAnonymous, hasAuthentication: false })];
}
