import { isLoopback } from '@trivium/service';
import { hubSettings, type HubSettings } from '../../hub-settings.ts';
import { fail, ok, warn, type Finding } from '../finding.ts';

/** The settings, if they are right, and what is to be said about them. */
export function checkSettings(env: NodeJS.ProcessEnv): { settings?: HubSettings; findings: Finding[] } {
  try {
    const settings = hubSettings(env);
    return { settings, findings: [ok('settings', 'the shared settings are right'), anonymity(settings)] };
  } catch (error) {
    const { message } = error as Error;
    return { findings: [fail('settings', message, 'correct them: no service starts with them (exit 78)')] };
  }
}

function anonymity({ auth, allowAnonymous, mqtt, ws, http }: HubSettings): Finding {
  const about = 'authentication';
  if (auth.required) return ok(about, 'nobody gets in without credentials');
  const open = Object.entries({ mqtt, ws, http }).filter(([, { host }]) => !isLoopback(host));
  if (open.length === 0)
    return ok(
      about,
      'anonymous clients may do everything, from this machine only (auth.required is off in the settings here)',
    );
  const where = open.map(([name, { host }]) => `${name}.host (${host})`).join(', ');
  if (allowAnonymous)
    return warn(
      about,
      `whoever reaches ${where} may do everything: allowAnonymous is on`,
      'TRIVIUM_AUTH_REQUIRED=true, and credentials by npx trivium devices create',
    );
  return fail(
    about,
    `${where} is beyond this machine, and auth.required is off: such a door does not start`,
    'TRIVIUM_AUTH_REQUIRED=true, or listen on 127.0.0.1',
  );
}
