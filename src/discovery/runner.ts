// Runs the discoveries of all jobs: each tells its groups when they change, changes are gathered, and one that a reload
// did not touch runs on, so that its targets do not vanish for a moment.

import type { Timer } from '../base/index.ts';
import type { DiscoveryKind, DiscoveryPorts, RunningDiscovery, TargetGroup } from './kind.ts';

/** As Prometheus: changes are passed on at most so often. */
const PASS_ON_EVERY_MS = 5000;
/** What comes together at a start goes on together. */
const GATHER_MS = 100;

/** One list entry of a job: `key` tells it from all others and from itself with other settings. */
export interface DiscoveryEntry {
  readonly key: string;
  readonly job: string;
  readonly kind: string;
  readonly settings: unknown;
}

export interface Discovery {
  /** Starts what is new and stops what is gone. Groups that are known at once are there when it returns. */
  load(entries: readonly DiscoveryEntry[]): void;
  /** Of one job, in the order of its entries. */
  groups(job: string): readonly TargetGroup[];
  stop(): void;
}

interface Running {
  readonly entry: DiscoveryEntry;
  readonly discovery: RunningDiscovery;
}

export function createDiscovery(
  ports: DiscoveryPorts,
  options: { readonly kinds: readonly DiscoveryKind[]; readonly onChange: () => void },
): Discovery {
  return new DiscoveryRunner(ports, options);
}

class DiscoveryRunner implements Discovery {
  readonly #ports: DiscoveryPorts;
  readonly #options: { readonly kinds: readonly DiscoveryKind[]; readonly onChange: () => void };
  #running = new Map<string, Running>();
  readonly #groups = new Map<string, readonly TargetGroup[]>();
  #timer: Timer | undefined;
  #passedOnMs = Number.NEGATIVE_INFINITY;
  #loading = false;

  constructor(
    ports: DiscoveryPorts,
    options: { readonly kinds: readonly DiscoveryKind[]; readonly onChange: () => void },
  ) {
    this.#ports = ports;
    this.#options = options;
  }

  load(entries: readonly DiscoveryEntry[]): void {
    this.#loading = true;
    const before = this.#running;
    const wanted = new Set(entries.map(({ key }) => key));
    for (const [key, { discovery }] of before) {
      if (wanted.has(key)) continue;
      discovery.stop();
      this.#groups.delete(key);
    }
    const running = new Map<string, Running>();
    for (const entry of entries) {
      const known = before.get(entry.key);
      const kind = this.#options.kinds.find(candidate => candidate.key === entry.kind);
      if (known !== undefined) running.set(entry.key, { ...known, entry });
      else if (kind !== undefined) {
        const discovery = kind.start(entry.settings, this.#ports, groups => this.#take(entry.key, groups));
        running.set(entry.key, { entry, discovery });
      }
    }
    this.#running = running;
    this.#loading = false;
  }

  groups(job: string): readonly TargetGroup[] {
    return [...this.#running.values()]
      .filter(({ entry }) => entry.job === job)
      .flatMap(({ entry }) => this.#groups.get(entry.key) ?? []);
  }

  stop(): void {
    this.#timer?.cancel();
    for (const { discovery } of this.#running.values()) discovery.stop();
    this.#running.clear();
  }

  #take(key: string, groups: readonly TargetGroup[]): void {
    // A last word of one that was stopped meanwhile.
    if (!this.#loading && !this.#running.has(key)) return;
    this.#groups.set(key, groups);
    if (this.#loading || this.#timer !== undefined) return;
    const { clock } = this.#ports;
    const waitMs = Math.max(GATHER_MS, this.#passedOnMs + PASS_ON_EVERY_MS - clock.monotonicMs());
    this.#timer = clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#passedOnMs = clock.monotonicMs();
      this.#options.onChange();
    });
  }
}
