/** The places and actions chosen last, by id; kept in this browser. */

const STORE = 'qd-recent';
const KEPT = 5;

export function recent(): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(STORE) ?? '[]');
    return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

export function remember(id: string): void {
  try {
    const list = [id, ...recent().filter((each) => each !== id)].slice(0, KEPT);
    localStorage.setItem(STORE, JSON.stringify(list));
  } catch {
    // storage is blocked: nothing is remembered
  }
}
