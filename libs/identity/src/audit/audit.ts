import type { Bus } from '@trivium/bus';
import { AuditRecord, auditSubject, encodeJson } from '@trivium/contracts';

/** What happened; who writes it down adds when and where. */
export type AuditEntry = Omit<AuditRecord, 'v' | 'at' | 'service'>;

export interface AuditOptions {
  bus: { readonly publisher: Pick<Bus['publisher'], 'live'> };
  /** As the audit names this process. */
  service: string;
  /** Milliseconds since the epoch. */
  clock?: () => number;
}

/** Writes down who did what, for doors. */
export interface Audit {
  /** Never waited for; false when NATS is away, and the record lost. */
  write(entry: AuditEntry): boolean;
}

export function createAudit({ bus, service, clock = Date.now }: AuditOptions): Audit {
  return {
    write(entry) {
      const record = recordOf(entry, service, clock());
      return bus.publisher.live(auditSubject(record.kind, record.principal), encodeJson(AuditRecord, record));
    },
  };
}

export interface WriteAuditOptions {
  bus: { readonly publisher: Pick<Bus['publisher'], 'store'> };
  service: string;
  clock?: () => number;
}

/** The same for tools: resolves when it is stored. Rejects with a `TriviumError` when that is not known. */
export async function writeAudit(
  { bus, service, clock = Date.now }: WriteAuditOptions,
  entry: AuditEntry,
): Promise<void> {
  const record = recordOf(entry, service, clock());
  await bus.publisher.store(auditSubject(record.kind, record.principal), encodeJson(AuditRecord, record));
}

/** Of what a stranger may have written. */
const TEXTS = ['principal', 'address', 'client', 'object', 'detail'] as const;
const MOST_CHARACTERS = 256;

function recordOf(entry: AuditEntry, service: string, at: number): AuditRecord {
  const record: AuditRecord = { v: 1, ...entry, at, service };
  for (const name of TEXTS) {
    const text = record[name];
    if (text !== undefined) record[name] = printable(text);
  }
  return record;
}

function printable(text: string): string {
  return text
    .slice(0, MOST_CHARACTERS)
    .toWellFormed()
    .replace(/\p{Cc}/gu, '\ufffd');
}
