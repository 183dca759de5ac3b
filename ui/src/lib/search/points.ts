/** The server counts characters, JavaScript counts halves of the large ones. */

export const toPoints = (text: string, index: number): number => [...text.slice(0, index)].length;

export const toIndex = (text: string, points: number): number =>
  [...text].slice(0, points).join('').length;
