import { describe, expect, it } from 'vitest';
import { ApiError } from './client.ts';
import { Query } from './query.svelte.ts';

interface Ask {
  readonly q: string;
  readonly now: number;
}

/** A server that answers when told to, and the requests it was sent. */
function server() {
  const sent: { ask: Ask; signal: AbortSignal; answer: (text: string) => Promise<void> }[] = [];
  const load = (ask: Ask, signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      const answer = async (text: string): Promise<void> => {
        resolve(text);
        await new Promise((done) => setTimeout(done));
      };
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      sent.push({ ask, signal, answer });
    });
  return { sent, load };
}

const same = (a: Ask, b: Ask): boolean => a.q === b.q;

describe('a query that follows its inputs', () => {
  it('shows an answer although the view moves on faster than the server answers', async () => {
    const { sent, load } = server();
    const asked = new Query(load, same);
    void asked.follow({ q: 'a', now: 1 });
    void asked.follow({ q: 'a', now: 2 });
    void asked.follow({ q: 'a', now: 3 });
    expect(sent).toHaveLength(1);
    await sent[0]?.answer('first');
    expect(asked.data).toBe('first');
    expect(sent.map((each) => each.ask.now)).toEqual([1, 3]);
    await sent[1]?.answer('second');
    expect([asked.data, asked.loading, sent.length]).toEqual(['second', false, 2]);
  });

  it('abandons the answer to another question', async () => {
    const { sent, load } = server();
    const asked = new Query(load, same);
    void asked.follow({ q: 'a', now: 1 });
    void asked.follow({ q: 'a', now: 2 });
    void asked.follow({ q: 'b', now: 2 });
    expect(sent[0]?.signal.aborted).toBe(true);
    await sent[1]?.answer('b');
    expect([asked.data, asked.loading, sent.length]).toEqual(['b', false, 2]);
  });

  it('says so when a request ends that nobody abandoned', async () => {
    const asked = new Query<Ask, string>(() =>
      Promise.reject(new DOMException('The browser gave up', 'AbortError')),
    );
    await asked.follow({ q: 'a', now: 1 });
    expect(asked.pending).toBe(false);
    expect(asked.error).toBeInstanceOf(ApiError);
  });

  it('asks nothing more once it is stopped', async () => {
    const { sent, load } = server();
    const asked = new Query(load, same);
    void asked.follow({ q: 'a', now: 1 });
    void asked.follow({ q: 'a', now: 2 });
    asked.stop();
    await sent[0]?.answer('late');
    expect([asked.data, asked.loading, sent.length]).toEqual([undefined, false, 1]);
  });
});
