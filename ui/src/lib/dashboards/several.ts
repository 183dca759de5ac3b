/** Values of variables: how several stand in an address, and which of a list are kept. */
import type { Option } from './types';

/** Several values in one parameter: commas between them, and those within written as %2C. */
export const written = (values: readonly string[]): string =>
  values
    .map((each) => each.replace(/[%,*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`))
    .join(',');
export const readBack = (text: string): string[] =>
  text
    .split(',')
    .map((each) =>
      each.replace(/%(2[5ca])/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    );

/** Keep what matches; a group in the expression is what is kept of it. */
export function filtered(options: readonly Option[], regex: string): Option[] {
  if (!regex) return [...options];
  let pattern: RegExp;
  try {
    pattern = new RegExp(regex);
  } catch {
    return [...options];
  }
  const found = options.flatMap((option) => {
    const match = pattern.exec(option.value);
    if (!match) return [];
    const value = match[1] ?? option.value;
    return [{ value, label: match[1] === undefined ? option.label : value }];
  });
  return [...new Map(found.map((each) => [each.value, each])).values()];
}
