// So many at a time; others wait for their turn, in their order.

export class Gate {
  #free: number;
  readonly #places: number;
  readonly #waiting: (() => void)[] = [];
  readonly #onChange: (now: { readonly taken: number; readonly waiting: number }) => void;

  constructor(places: number, onChange: (now: { readonly taken: number; readonly waiting: number }) => void) {
    this.#places = places;
    this.#free = places;
    this.#onChange = onChange;
    this.#changed();
  }

  /** How to give the place back, once; undefined when the signal aborted before there was one. It aborting gives it back too. */
  async enter(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    if (this.#free > 0) this.#free -= 1;
    else if (!(await this.#turn(signal))) return undefined;
    // It may have aborted just after the turn had come.
    if (signal.aborted) {
      this.#leave();
      return undefined;
    }
    let isHeld = true;
    const leave = (): void => {
      if (!isHeld) return;
      isHeld = false;
      signal.removeEventListener('abort', leave);
      this.#leave();
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#changed();
    return leave;
  }

  #turn(signal: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      const come = (): void => {
        signal.removeEventListener('abort', go);
        resolve(true);
      };
      const go = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(come), 1);
        this.#changed();
        resolve(false);
      };
      this.#waiting.push(come);
      this.#changed();
      signal.addEventListener('abort', go, { once: true });
    });
  }

  /** The place goes straight to whoever waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
    this.#changed();
  }

  #changed(): void {
    this.#onChange({ taken: this.#places - this.#free, waiting: this.#waiting.length });
  }
}
