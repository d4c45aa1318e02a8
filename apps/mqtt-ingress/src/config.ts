import { authSection } from '@trivium/identity';
import { mqttSection } from '@trivium/mqtt';
import { checkListener, serviceSchema, type ConfigSource } from '@trivium/service';

/** The settings of this service: the shared ones, `mqtt` and `auth`. */
export const configSchema = serviceSchema(9101, { mqtt: mqttSection, auth: authSection });

/** Rules across settings. */
export const checkConfig: NonNullable<ConfigSource<typeof configSchema>['check']> = ({
  mqtt,
  auth,
  allowAnonymous,
}) => [
  checkListener({ setting: 'mqtt.host', host: mqtt.host, allowAnonymous, hasAuthentication: auth.required }),
];
