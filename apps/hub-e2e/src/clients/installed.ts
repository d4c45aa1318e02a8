import { outsideClient, type OutsideClientName } from '@trivium/testing';

/** The packages of Debian that have them. */
const PACKAGES: Readonly<Record<OutsideClientName, string>> = {
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  'python3-paho': 'python3-paho-mqtt',
  chromium: 'chromium',
  curl: 'curl',
};

/** Looks for a client of the system when it is first needed; rejects when there is none. */
export function installed(name: OutsideClientName): () => Promise<string> {
  let command: Promise<string> | undefined;
  const find = async (): Promise<string> => {
    const found = await outsideClient(name);
    if (found === undefined)
      throw new Error(`${name} is not installed; on Debian: sudo apt-get install ${PACKAGES[name]}`);
    return found.command;
  };
  return () => (command ??= find());
}
