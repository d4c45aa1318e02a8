import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

export type OutsideClientName = 'mosquitto_pub' | 'mosquitto_sub' | 'python3-paho' | 'chromium' | 'curl';

export interface OutsideClient {
  name: OutsideClientName;
  /** Absolute path of the program to run; for `python3-paho` the Python that can import `paho.mqtt`. */
  command: string;
}

const PROGRAMS: Readonly<Record<OutsideClientName, readonly string[]>> = {
  mosquitto_pub: ['mosquitto_pub'],
  mosquitto_sub: ['mosquitto_sub'],
  'python3-paho': ['python3'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  curl: ['curl'],
};

/** A client that is not ours, as the system has it; `undefined` when it has none. */
export async function outsideClient(
  name: OutsideClientName,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<OutsideClient | undefined> {
  for (const program of PROGRAMS[name]) {
    for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
      const command = join(folder, program);
      if ((await isExecutable(command)) && (await works(name, command))) return { name, command };
    }
  }
  return undefined;
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function works(name: OutsideClientName, command: string): Promise<boolean> {
  if (name !== 'python3-paho') return true;
  return promisify(execFile)(command, ['-c', 'import paho.mqtt']).then(
    () => true,
    () => false,
  );
}
