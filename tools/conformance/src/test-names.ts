import ts from 'typescript';

const GROUPS = new Set(['describe', 'suite']);
const TESTS = new Set(['test', 'it']);
/** A test with one of these does not run. */
const OFF = new Set(['skip', 'todo']);
const PLACEHOLDER = /%[sdifjoOc]/;
const SEPARATOR = ' › ';

interface Call {
  readonly isTest: boolean;
  readonly isOff: boolean;
  /** What `each` or `for` was given. */
  readonly rows: ts.Expression | undefined;
}

/**
 * The names of the tests in a file of vitest, as written: groups and test joined. Of a test with a table there is one name, or, when
 * rows name clauses, one for each row.
 */
export function testNames(file: string, source: string): string[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const constants = arrayConstants(parsed);
  const names: string[] = [];
  const visit = (node: ts.Node, groups: readonly string[]): void => {
    const call = ts.isCallExpression(node) ? readCall(node.expression) : undefined;
    const title = call && ts.isCallExpression(node) ? literal(node.arguments[0]) : undefined;
    if (call === undefined || title === undefined)
      return ts.forEachChild(node, (child) => visit(child, groups));
    if (call.isOff) return;
    for (const one of expand(title, call.rows, constants)) {
      const path = [...groups, one];
      if (call.isTest) names.push(path.join(SEPARATOR));
      else ts.forEachChild(node, (child) => visit(child, path));
    }
  };
  visit(parsed, []);
  return names;
}

/** `test`, `describe.each(rows)`, `it.runIf(x).each(rows)` and the like; undefined: another function. */
function readCall(callee: ts.Expression): Call | undefined {
  let rows: ts.Expression | undefined;
  let isOff = false;
  let at = callee;
  for (;;) {
    if (ts.isCallExpression(at)) {
      if (ts.isPropertyAccessExpression(at.expression) && ['each', 'for'].includes(at.expression.name.text))
        rows = at.arguments[0];
      at = at.expression;
    } else if (ts.isPropertyAccessExpression(at)) {
      isOff ||= OFF.has(at.name.text);
      at = at.expression;
    } else break;
  }
  if (!ts.isIdentifier(at)) return undefined;
  const isTest = TESTS.has(at.text);
  return isTest || GROUPS.has(at.text) ? { isTest, isOff, rows } : undefined;
}

function expand(
  title: string,
  rows: ts.Expression | undefined,
  constants: ReadonlyMap<string, ts.Expression>,
): string[] {
  const named = rows && ts.isIdentifier(rows) ? constants.get(rows.text) : rows;
  const table = named && arrayOf(named);
  if (table === undefined) return [title];
  const texts = table.elements.map((row) => {
    const fields = arrayOf(row)?.elements ?? [row];
    return fields.map((one) => literal(one) ?? '…');
  });
  if (!texts.some((fields) => fields.some((text) => text.includes('[MQTT')))) return [title];
  return texts.map((fields) => fields.reduce((name, text) => name.replace(PLACEHOLDER, () => text), title));
}

/** What is written as a string, a template or a number. */
function literal(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('');
}

/** `[…]`, `[…] as const`, `[…] satisfies T`. */
function arrayOf(node: ts.Expression): ts.ArrayLiteralExpression | undefined {
  if (ts.isArrayLiteralExpression(node)) return node;
  return ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)
    ? arrayOf(node.expression)
    : undefined;
}

function arrayConstants(file: ts.SourceFile): ReadonlyMap<string, ts.Expression> {
  const found = new Map<string, ts.Expression>();
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer)
      found.set(node.name.text, node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
