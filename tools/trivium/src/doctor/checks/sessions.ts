import type { Bus, Inspection } from '@trivium/bus';
import { decodeJson, decodeToken, SessionRecord } from '@trivium/contracts';
import { fail, ok, some, warn, type Finding } from '../finding.ts';

/** Whose queue begins before the first message that is kept. */
export async function checkSessions(bus: Bus, { streams }: Inspection): Promise<Finding[]> {
  const first = streams.find(({ name }) => name === 'MESSAGES')?.first ?? 0;
  const entries = await bus.bucket('sessions').entries();
  const late: string[] = [];
  let [away, unreadable] = [0, 0];
  for (const { key, value } of entries) {
    const session = decodeJson(SessionRecord, value);
    if (!session.ok) unreadable++;
    else if (!session.value.clean && session.value.door === undefined) {
      away++;
      if (waits(session.value) && session.value.pos + 1 < first) late.push(decodeToken(key) ?? key);
    }
  }
  return [
    ...(unreadable === 0
      ? []
      : [fail('sessions', `${unreadable} records cannot be read`, 'is a service newer than this tool?')]),
    late.length === 0
      ? ok('sessions', `${entries.length} sessions, ${away} of them of clients that are away`)
      : warn(
          'sessions',
          `${late.length} clients were away for longer than messages are kept, and may have missed some: ${some(late)}`,
          'a longer retention.maxAgeMs or larger retention.maxBytes; explain says it of each client',
        ),
  ];
}

/** Messages are kept for it. */
const waits = ({ subscriptions }: SessionRecord): boolean => subscriptions.some(({ qos }) => qos > 0);
