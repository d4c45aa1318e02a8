import type { ContractRecord } from '@trivium/contracts';
import { compile } from 'json-schema-to-typescript';

const HEADER = '// Written by `trivium contracts types`. Change the contracts instead.\n';

/** A TypeScript module with the payload type of each contract that has a schema, and a map of them by name. */
export async function typesOf(contracts: readonly ContractRecord[]): Promise<string> {
  const typed = contracts
    .filter(({ schema }) => schema !== undefined)
    .map((contract) => ({ ...contract, type: typeName(contract.name) }));
  const parts: string[] = [];
  for (const { name, filter, schema, description, type } of typed) {
    const about = `${description === undefined ? '' : `${description}\n\n`}Contract ${name}, topics ${filter}.`;
    parts.push(await typeOf(type, schema as object | boolean, about));
  }
  const members = typed.map(({ name, type }) => `  ${JSON.stringify(name)}: ${type};\n`).join('');
  return [HEADER, ...parts, `/** Payloads by contract. */\nexport interface Contracts {\n${members}}\n`].join(
    '\n',
  );
}

async function typeOf(type: string, schema: object | boolean, description: string): Promise<string> {
  const {
    $id: _,
    title: __,
    ...own
  } = typeof schema === 'boolean' ? ({} as never) : (schema as Record<string, unknown>);
  if (typeof schema === 'boolean') {
    const comment = description.split('\n').map((line) => ` * ${line}`.trimEnd());
    return `/**\n${comment.join('\n')}\n */\nexport type ${type} = ${schema ? 'unknown' : 'never'};\n`;
  }
  return compile({ ...own, description }, type, {
    ...{ bannerComment: '', additionalProperties: true, format: true },
    style: { singleQuote: true, printWidth: 110 },
    // Nothing is fetched, and no file read: contracts have no references out of themselves.
    $refOptions: { resolve: { external: false } },
  });
}

/** `plant.line-1` → `PlantLine1`. */
function typeName(name: string): string {
  const words = name.split(/[._-]+/).filter((word) => word !== '');
  const joined = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return /^\d/.test(joined) ? `_${joined}` : joined;
}
