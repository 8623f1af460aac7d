// The program's metrics about itself. A registry is created by app/ and passed down: no global one exists.

import type { FamilySample, MetricFamily } from './family.ts';
import { type Labels, labelsFrom, labelsKey, NO_LABELS, withLabels } from './labels.ts';

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
  readonly labels: Labels;
  /** Of a histogram: the labels of its buckets, +Inf last. */
  readonly bucketLabels: readonly Labels[];
  value: number;
  sum: number;
  buckets: number[];
}

interface Registered {
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly bounds: readonly number[];
  readonly cells: Map<string, Cell>;
  /** The same by the labels as callers write them: most counts need no sorting. */
  readonly byGiven: Map<string, Cell>;
}

/** Owns the cells. `families()` is what /metrics prints. */
export class MetricRegistry implements Metrics {
  readonly #byName = new Map<string, Registered>();

  counter(name: string, help: string): Counter {
    const metric = this.#register(name, { help, type: 'counter', bounds: [] });
    return {
      add: (amount = 1, labels = {}) => {
        cellOf(metric, labels).value += amount;
      },
    };
  }

  gauge(name: string, help: string): Gauge {
    const metric = this.#register(name, { help, type: 'gauge', bounds: [] });
    return {
      set: (value, labels = {}) => {
        cellOf(metric, labels).value = value;
      },
      remove: labels => {
        metric.cells.delete(labelsKey(labelsFrom(labels)));
        metric.byGiven.clear();
      },
    };
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const metric = this.#register(name, { help, type: 'histogram', bounds });
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

  #register(name: string, about: Omit<Registered, 'cells' | 'byGiven'>): Registered {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const metric: Registered = { ...about, cells: new Map(), byGiven: new Map() };
    this.#byName.set(name, metric);
    return metric;
  }
}

function cellOf(metric: Registered, labels: MetricLabels): Cell {
  let given = '';
  for (const name in labels) given += `${name}\0${labels[name]}\0`;
  const known = metric.byGiven.get(given);
  if (known !== undefined) return known;
  const set = given === '' ? NO_LABELS : labelsFrom(labels);
  const key = labelsKey(set);
  const cell = metric.cells.get(key) ?? newCell(metric, set);
  metric.cells.set(key, cell);
  metric.byGiven.set(given, cell);
  return cell;
}

function newCell({ type, bounds }: Registered, labels: Labels): Cell {
  const ends = type === 'histogram' ? [...bounds.map(String), '+Inf'] : [];
  const bucketLabels = ends.map(le => withLabels(labels, { le }));
  return { labels, bucketLabels, value: 0, sum: 0, buckets: bounds.map(() => 0) };
}

function samplesOf(metric: Registered, cell: Cell): readonly FamilySample[] {
  const { labels, bucketLabels, value, sum, buckets } = cell;
  if (metric.type !== 'histogram') return [{ suffix: '', labels, value }];
  return [
    ...bucketLabels.map((bucket, i) => ({ suffix: '_bucket', labels: bucket, value: buckets[i] ?? value })),
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value },
  ];
}
