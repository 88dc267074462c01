/** What stands in a cell stays in its cell. */
const cell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();

export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A page that says where it comes from; nobody should correct it by hand. */
export function page(title: string, introduction: string, ...parts: readonly string[]): string {
  const origin =
    '<!-- Generated from the sources: npm run build, then node dist/tools/reference/main.js. Do not edit. -->';
  return `${[origin, `# ${title}`, introduction, ...parts].join('\n\n')}\n`;
}

export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** In the order of the code points, on every machine. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
