/** JSON values as YAML that reads well and means the same in YAML 1.1 and 1.2. */

const PLAIN = /^[\p{L}/$][\p{L}\p{N} _./+$(){}%@-]*$/u;
const AMBIGUOUS = /^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

function text(value: string, indent: string): string {
  const plain =
    PLAIN.test(value) && !AMBIGUOUS.test(value) && !/\s$|[{}]/.test(value) && !value.includes('${');
  if (plain) return value;
  const block = value.includes('\n') && !/^\s|[^\P{C}\n]|[ \t]$|[ \t]\n|\n\n$/u.test(value);
  if (!block) return JSON.stringify(value).replace(/\u2028|\u2029|\u0085/g, escape);
  const [body, sign] = value.endsWith('\n') ? [value.slice(0, -1), '|'] : [value, '|-'];
  return `${sign}\n${body
    .split('\n')
    .map((line) => (line ? indent + line : ''))
    .join('\n')}`;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function isEmpty(value: object): boolean {
  return (Array.isArray(value) ? value : Object.keys(value)).length === 0;
}

function lines(value: unknown, depth: number): string {
  const indent = '  '.repeat(depth);
  if (Array.isArray(value))
    return value.map((item) => `${indent}- ${nested(item, depth, true)}`).join('\n');
  return Object.entries(value as object)
    .filter(([, item]) => item !== undefined)
    .map(([name, item]) => `${indent}${text(name, '')}:${beside(nested(item, depth, false))}`)
    .join('\n');
}

const beside = (written: string): string => (written.startsWith('\n') ? written : ` ${written}`);

function nested(value: unknown, depth: number, inList: boolean): string {
  if (typeof value === 'string') return text(value, '  '.repeat(depth + 1));
  if (typeof value !== 'object' || value === null) return String(value);
  if (isEmpty(value)) return Array.isArray(value) ? '[]' : '{}';
  const written = lines(value, depth + 1);
  return inList ? written.trimStart() : `\n${written}`;
}

export function toYaml(value: unknown): string {
  if (typeof value !== 'object' || value === null || isEmpty(value))
    return `${nested(value, 0, true)}\n`;
  return `${lines(value, 0)}\n`;
}
