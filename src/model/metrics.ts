// The program's metrics about itself. A registry is created by app/ and passed down: no global one exists.

import type { FamilySample, MetricFamily } from './family.ts';
import { labelPairs, labelsFrom, labelsKey } from './labels.ts';

export type MetricLabels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount?: number, labels?: MetricLabels): void;
}

export interface Gauge {
  set(value: number, labels?: MetricLabels): void;
  remove(labels: MetricLabels): void;
}

export interface Histogram {
  observe(value: number, labels?: MetricLabels): void;
}

/** Names carry the prefix `watchkeeper_`; asking for the same name again gives the same metric. */
export interface Metrics {
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string): Gauge;
  /** `bounds`: upper bounds of the buckets, rising, without +Inf. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
}

interface Cell {
  readonly labels: ReturnType<typeof labelsFrom>;
  value: number;
  sum: number;
  buckets: number[];
}

interface Registered {
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly bounds: readonly number[];
  readonly cells: Map<string, Cell>;
}

/** Owns the cells. `families()` is what /metrics prints. */
export class MetricRegistry implements Metrics {
  readonly #byName = new Map<string, Registered>();

  counter(name: string, help: string): Counter {
    const metric = this.#register(name, { help, type: 'counter', bounds: [], cells: new Map() });
    return {
      add: (amount = 1, labels = {}) => {
        cellOf(metric, labels).value += amount;
      },
    };
  }

  gauge(name: string, help: string): Gauge {
    const metric = this.#register(name, { help, type: 'gauge', bounds: [], cells: new Map() });
    return {
      set: (value, labels = {}) => {
        cellOf(metric, labels).value = value;
      },
      remove: labels => {
        metric.cells.delete(labelsKey(labelsFrom(labels)));
      },
    };
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const metric = this.#register(name, { help, type: 'histogram', bounds, cells: new Map() });
    return {
      observe: (value, labels = {}) => {
        const cell = cellOf(metric, labels);
        cell.value += 1;
        cell.sum += value;
        metric.bounds.forEach((bound, i) => {
          if (value <= bound) cell.buckets[i] = (cell.buckets[i] ?? 0) + 1;
        });
      },
    };
  }

  families(): readonly MetricFamily[] {
    return [...this.#byName].map(([name, metric]) => ({
      name,
      help: metric.help,
      type: metric.type,
      samples: [...metric.cells.values()].flatMap(cell => samplesOf(metric, cell)),
    }));
  }

  #register(name: string, metric: Registered): Registered {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    this.#byName.set(name, metric);
    return metric;
  }
}

function cellOf(metric: Registered, labels: MetricLabels): Cell {
  const set = labelsFrom(labels);
  const key = labelsKey(set);
  let cell = metric.cells.get(key);
  if (cell === undefined) {
    cell = { labels: set, value: 0, sum: 0, buckets: metric.bounds.map(() => 0) };
    metric.cells.set(key, cell);
  }
  return cell;
}

function samplesOf(metric: Registered, cell: Cell): readonly FamilySample[] {
  if (metric.type !== 'histogram') return [{ suffix: '', labels: cell.labels, value: cell.value }];
  const pairs = (le: string): FamilySample['labels'] =>
    labelsFrom({ ...Object.fromEntries(labelPairs(cell.labels)), le });
  return [
    ...metric.bounds.map((bound, i) => ({
      suffix: '_bucket',
      labels: pairs(String(bound)),
      value: cell.buckets[i] ?? 0,
    })),
    { suffix: '_bucket', labels: pairs('+Inf'), value: cell.value },
    { suffix: '_sum', labels: cell.labels, value: cell.sum },
    { suffix: '_count', labels: cell.labels, value: cell.value },
  ];
}
