/** The pages after the first, by cursor; forgotten when the first page answers something else. */
import { asApiError, type ApiError } from '#lib/api/client.ts';

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export class Older<T> {
  items = $state.raw<readonly T[]>([]);
  busy = $state(false);
  error = $state.raw<ApiError | undefined>(undefined);
  #cursor = $state<string | null | undefined>(undefined);
  #turn = 0;

  constructor(
    private readonly first: () => Page<T> | undefined,
    private readonly load: (cursor: string) => Promise<Page<T>>,
  ) {}

  get cursor(): string | null {
    return this.#cursor === undefined ? (this.first()?.next_cursor ?? null) : this.#cursor;
  }

  get more(): boolean {
    return this.cursor !== null && this.error === undefined;
  }

  reset(): void {
    this.#turn++;
    this.items = [];
    this.busy = false;
    this.error = undefined;
    this.#cursor = undefined;
  }

  next = async (): Promise<void> => {
    const cursor = this.cursor;
    if (cursor === null || this.busy) return;
    const turn = this.#turn;
    this.busy = true;
    this.error = undefined;
    try {
      const page = await this.load(cursor);
      if (turn !== this.#turn) return;
      this.items = [...this.items, ...page.items];
      this.#cursor = page.next_cursor;
    } catch (error) {
      if (turn === this.#turn) this.error = asApiError(error);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  };
}
