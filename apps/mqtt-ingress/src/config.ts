import { authSection } from '@trivium/identity';
import { listenerSections, proxyFaults } from '@trivium/listener';
import { mqttSection } from '@trivium/mqtt';
import { checkListener, serviceSchema, type ConfigSource } from '@trivium/service';
import { tlsFaults } from '@trivium/tls';

/** The settings of this service: the shared ones, `mqtt`, `auth`, and those of every listener. */
export const configSchema = serviceSchema(9101, {
  ...{ mqtt: mqttSection, auth: authSection },
  ...listenerSections,
});

/** Rules across settings. */
export const checkConfig: NonNullable<ConfigSource<typeof configSchema>['check']> = ({
  mqtt,
  auth,
  tls,
  proxy,
  allowAnonymous,
}) => [
  checkListener({ setting: 'mqtt.host', host: mqtt.host, allowAnonymous, hasAuthentication: auth.required }),
  ...tlsFaults({ section: 'mqtt', door: mqtt, tls }),
  ...proxyFaults(proxy),
];
