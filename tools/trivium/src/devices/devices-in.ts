import { userName } from '@trivium/identity';
import { CommandError } from '../command.ts';
import { documentsIn } from '../documents-in.ts';
import { groupsOf } from '../groups-of.ts';
import { readFile } from '../read-file.ts';
import { parseCsv } from './csv.ts';
import type { NewDevice } from './new-device.ts';

const KNOWN = ['name', 'groups', 'description', 'password', 'attributes'];

/** The devices in a file; those that say no password have none yet. Throws a `CommandError` with every fault. */
export function devicesIn(file: string): NewDevice[] {
  const raw = /\.csv$/i.test(file) ? ofCsv(file) : documentsIn(file);
  const faults: string[] = [];
  const names = new Set<string>();
  const devices = raw.flatMap((value, i): NewDevice[] => {
    try {
      const device = deviceOf(value);
      if (names.has(device.name)) throw new Error(`${device.name} is there twice`);
      names.add(device.name);
      return [device];
    } catch (error) {
      faults.push(`${file}: device ${i + 1}: ${(error as Error).message}`);
      return [];
    }
  });
  if (faults.length > 0) throw new CommandError(faults.join('\n'));
  if (devices.length === 0) throw new CommandError(`${file}: there are no devices in it`);
  return devices;
}

function ofCsv(file: string): unknown[] {
  const [head, ...rows] = parseCsv(
    readFile(file)
      .toString()
      .replace(/^\ufeff/, ''),
  );
  const columns = (head ?? []).map((column) => column.trim());
  if (!columns.includes('name')) throw new CommandError(`${file}: the first line has no column name`);
  return rows.map((row) => {
    const cells = columns
      .map((column, i) => [column, row[i] ?? ''] as const)
      .filter(([, cell]) => cell !== '');
    const own = cells.filter(([column]) => KNOWN.includes(column));
    const attributes = cells.filter(([column]) => !KNOWN.includes(column));
    const device = { ...Object.fromEntries(own), attributes: Object.fromEntries(attributes) };
    return 'groups' in device ? { ...device, groups: String(device.groups).split(';') } : device;
  });
}

function deviceOf(value: unknown): NewDevice {
  if (typeof value !== 'object' || value === null) throw new Error('a device has at least a name');
  const raw = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(raw).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) throw new Error(`${unknown} is not known; ${KNOWN.join(', ')} are`);
  const name = userName(textOf(raw, 'name') ?? '');
  if (!name.ok) throw new Error(name.error.message);
  const description = textOf(raw, 'description');
  const password = textOf(raw, 'password');
  const attributes = attributesOf(raw['attributes']);
  return {
    name: name.value,
    groups: groupsIn(raw['groups']),
    ...(description === undefined ? {} : { description }),
    ...(password === undefined ? {} : { password }),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

function textOf(raw: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = raw[key];
  if (value === undefined) return undefined;
  // YAML takes a name of digits for a number.
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw new Error(`${key} is a text`);
  return value;
}

function groupsIn(value: unknown): string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return groupsOf(value);
  if (!Array.isArray(value) || !value.every((group) => typeof group === 'string'))
    throw new Error('groups is a list of texts');
  return groupsOf(value.join(','));
}

function attributesOf(value: unknown): NewDevice['attributes'] {
  if (value === undefined) return undefined;
  const fits = (one: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof one);
  if (typeof value !== 'object' || value === null || !Object.values(value).every(fits))
    throw new Error('attributes has names with texts, numbers, true or false');
  return value as NonNullable<NewDevice['attributes']>;
}
