import { hostOf } from '../host-of.ts';

/** How a device gets in by its password at the MQTT door, for a shell. */
export function usageLine(name: string, password: string, url: URL): string {
  const user = quoted(name);
  const at = `-h ${hostOf(url)} -p ${url.port}`;
  return `mosquitto_pub ${at} -i ${user} -u ${user} -P ${quoted(password)} -q 1 -t ${quoted(`test/${name}`)} -m hello`;
}

function quoted(text: string): string {
  return /^[A-Za-z0-9_/.:@][A-Za-z0-9_/.:@-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
