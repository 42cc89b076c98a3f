/** Lets so many act at once; the others wait in turn. */
export class Gate {
  private acting = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  /** Throws the reason of `signal` if it was aborted before its turn. */
  async run<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.acting >= this.most) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.acting += 1;
    try {
      signal?.throwIfAborted();
      return await act();
    } finally {
      // The place goes to the next one, so that nobody slips in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.acting -= 1;
    }
  }
}
