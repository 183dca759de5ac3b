import { beforeAll, describe, expect, it, vi } from 'vitest';
import { KeyReader } from './keys.ts';

class Element {
  readonly isContentEditable = false;
}
class Input extends Element {
  readonly type = 'text';
}
class Other extends Element {
  readonly other = true;
}

beforeAll(() => {
  for (const name of ['HTMLTextAreaElement', 'HTMLSelectElement']) vi.stubGlobal(name, Other);
  vi.stubGlobal('HTMLElement', Element);
  vi.stubGlobal('HTMLInputElement', Input);
});

const actions = [
  { keys: 'g o' },
  { keys: 'g t' },
  { keys: 'd' },
  { keys: 'ctrl+k' },
  { keys: '?' },
];

function press(key: string, at = 0, more: Partial<KeyboardEvent> = {}): KeyboardEvent {
  return { key, timeStamp: at, target: new Element(), ...more } as unknown as KeyboardEvent;
}

describe('shortcuts', () => {
  it('reads one key, a chord and a sequence', () => {
    const reader = new KeyReader();
    expect(reader.read(press('d'), actions)).toBe(actions[2]);
    expect(reader.read(press('k', 0, { ctrlKey: true }), actions)).toBe(actions[3]);
    expect(reader.read(press('k', 0, { metaKey: true }), actions)).toBe(actions[3]);
    expect(reader.read(press('?', 0, { shiftKey: true }), actions)).toBe(actions[4]);
    expect(reader.read(press('g', 0), actions)).toBeNull();
    expect(reader.read(press('t', 500), actions)).toBe(actions[1]);
  });

  it('forgets a sequence that was broken off', () => {
    const reader = new KeyReader();
    reader.read(press('g', 0), actions);
    expect(reader.read(press('o', 5000), actions)).toBeNull();
  });

  it('leaves typing alone, but not chords', () => {
    const reader = new KeyReader();
    const target = new Input() as unknown as EventTarget;
    expect(reader.read(press('d', 0, { target }), actions)).toBeNull();
    expect(reader.read(press('k', 0, { target, ctrlKey: true }), actions)).toBe(actions[3]);
  });
});
