import ts from 'typescript';
import { byText, code, page, table } from './markdown.js';
import { literalsOf, type Source, textOf, walk } from './sources.js';

const isCode = (text: string) => /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(text) && text.length > 3;

/** How the sources state a Problem: the function of libs/kernel, and the short names that features give it. */
const statedBy = new Set(['problem', 'messageProblem', 'fault', 'refuse', 'refusal', 'report', 'reject']);

interface Found {
  code: string;
  message: string;
  path: string;
}

function property(node: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  for (const one of node.properties)
    if (ts.isPropertyAssignment(one) && one.name.getText() === name) return one.initializer;
  return undefined;
}

function inCall(node: ts.CallExpression, path: string): Found[] {
  const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
  if (!ts.isIdentifier(callee) || !statedBy.has(callee.text)) return [];
  const [first, second] = node.arguments;
  const message = textOf(second);
  // Without a text it is some other function of that name.
  if (message === undefined && callee.text !== 'problem') return [];
  return literalsOf(first)
    .filter(isCode)
    .map((found) => ({ code: found, message: message ?? '', path }));
}

/** `{ code: 'X', message: '…' }`, and lists of codes that state their meaning. */
function inObject(node: ts.ObjectLiteralExpression, path: string): Found[] {
  const message = property(node, 'message') ?? property(node, 'meaning');
  if (!message) return [];
  return literalsOf(property(node, 'code'))
    .filter(isCode)
    .map((found) => ({ code: found, message: textOf(message) ?? '', path }));
}

/** `extensions: { code: 'X' }` of a GraphQL error. */
function inExtensions(node: ts.ObjectLiteralExpression): string[] {
  const isExtensions =
    ts.isPropertyAssignment(node.parent) && node.parent.name.getText() === 'extensions' ? node : undefined;
  return isExtensions ? literalsOf(property(node, 'code')).filter(isCode) : [];
}

export function problemsPage(sources: readonly Source[]): string {
  const problems: Found[] = [];
  const errors: Found[] = [];
  for (const { path, tree } of sources) {
    walk(tree, (node) => {
      if (ts.isCallExpression(node)) problems.push(...inCall(node, path));
      if (!ts.isObjectLiteralExpression(node)) return;
      problems.push(...inObject(node, path));
      for (const found of inExtensions(node)) errors.push({ code: found, message: '', path });
    });
  }
  return page(
    'Problems and errors',
    'A refusal that was to be expected is a `Problem` with a stable code, beside whatever else the mutation answers; all ' +
      'faults of an input come at once. GraphQL `errors` are for authentication, limits and faults alone. A list of files ' +
      'names where a code is stated; an ellipsis in a message is filled in at run time.',
    `## Problems\n\n${rows(problems)}`,
    '## Faults of an input\n\nA constraint of an input type whose code is not named is spelled from the constraint: ' +
      '`isDateString` is `INVALID_DATE_STRING` (libs/graphql/validate-input.ts).',
    `## Codes in \`extensions\` of GraphQL errors\n\n${rows(errors)}`,
  );
}

function rows(all: readonly Found[]): string {
  const byCode = grouped(all);
  return table(
    ['code', 'message', 'stated in'],
    [...byCode]
      .sort(([a], [b]) => byText(a, b))
      .map(([name, found]) => [
        code(name),
        [...new Set(found.map(({ message }) => message).filter((text) => text !== ''))].sort(byText).join(' · '),
        [...new Set(found.map(({ path }) => path))].sort(byText).join(', '),
      ]),
  );
}

function grouped(all: readonly Found[]): Map<string, Found[]> {
  const byCode = new Map<string, Found[]>();
  for (const found of all) byCode.set(found.code, [...(byCode.get(found.code) ?? []), found]);
  return byCode;
}
