// How many samples a query looks at, step by step, as Prometheus counts them: of each selector one sample of a series for an
// instant, all in the window for a range. What is looked at within a subquery does not count, but its points do.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { Grid } from './values.ts';
import type { Windows } from './windows.ts';

export class StepCounts {
  /** By step of the query. */
  readonly samples: Float64Array;

  constructor(steps: number) {
    this.samples = new Float64Array(steps);
  }

  /** One series' instants on a grid. */
  addPresent({ counts }: Grid, present: Uint8Array): void {
    if (counts === undefined) return;
    for (let i = 0; i < present.length; i++) if (present[i] === 1) this.#add(counts, i, 1);
  }

  /** One series' windows on a grid. */
  addWindows({ counts }: Grid, { first, end }: Windows): void {
    if (counts === undefined) return;
    for (let i = 0; i < first.length; i++) this.#add(counts, i, Math.max(0, end[i]! - first[i]!));
  }

  #add(counts: 'each' | 'all', step: number, samples: number): void {
    const { samples: byStep } = this;
    if (counts === 'each') byStep[step]! += samples;
    else for (let i = 0; i < byStep.length; i++) byStep[i]! += samples;
  }
}
