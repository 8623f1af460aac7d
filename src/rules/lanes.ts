// How many rules are evaluated at once, over all groups: each group has a lane of its own, and independent rules of a
// group take of those that are shared as long as there are any.

/** Owns the count of shared lanes. */
export class SharedLanes {
  #max = 0;
  #taken = 0;

  /** With less than are taken now, none is given until enough have come back. */
  setMax(max: number): void {
    this.#max = max;
  }

  tryTake(): boolean {
    if (this.#taken >= this.#max) return false;
    this.#taken++;
    return true;
  }

  giveBack(): void {
    this.#taken--;
  }
}

/** Runs `work` on each item, one after the other in a lane of its own, and beside it in shared lanes while there are any. */
export async function inLanes<Item>(
  items: readonly Item[],
  lanes: SharedLanes,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  const shared = async (): Promise<void> => {
    try {
      await run();
    } finally {
      lanes.giveBack();
    }
  };
  const running = [run()];
  while (next < items.length && lanes.tryTake()) running.push(shared());
  await Promise.all(running);
}
