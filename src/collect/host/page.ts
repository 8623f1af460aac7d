// Gathers samples into metric families in the order in which names first appear.

import {
  type FamilySample,
  labelsFrom,
  type MetricFamily,
  type MetricType,
  NO_LABELS,
} from '../../model/index.ts';

export type LabelRecord = Readonly<Record<string, string>>;

interface Open {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: FamilySample[];
}

/** Samples one collector may give: far above any real host, so that a broken file cannot fill the store. */
export const SAMPLES_PER_COLLECTOR_MAX = 100_000;

/** Owns the families of one collection. An undefined or NaN value is a value that could not be read: left out. */
export class Page {
  readonly #byName = new Map<string, Open>();
  #samples = 0;

  gauge(name: string, help: string, value: number | undefined, labels?: LabelRecord): void {
    this.#add({ name, help, type: 'gauge' }, value, labels);
  }

  counter(name: string, help: string, value: number | undefined, labels?: LabelRecord): void {
    this.#add({ name, help, type: 'counter' }, value, labels);
  }

  untyped(name: string, help: string, value: number | undefined, labels?: LabelRecord): void {
    this.#add({ name, help, type: 'unknown' }, value, labels);
  }

  /** Takes over a whole family; a name that exists already keeps its help and type and gains the samples. */
  family(family: MetricFamily): void {
    const open = this.#open(family);
    for (const sample of family.samples) open.samples.push(sample);
    this.#samples += family.samples.length;
  }

  get sampleCount(): number {
    return this.#samples;
  }

  families(): readonly MetricFamily[] {
    return [...this.#byName.values()];
  }

  #open(meta: Omit<MetricFamily, 'samples'>): Open {
    let open = this.#byName.get(meta.name);
    if (open === undefined) {
      open = { name: meta.name, help: meta.help, type: meta.type, samples: [] };
      this.#byName.set(meta.name, open);
    }
    return open;
  }

  #add(
    meta: Omit<MetricFamily, 'samples'>,
    value: number | undefined,
    labels: LabelRecord | undefined,
  ): void {
    if (value === undefined || Number.isNaN(value) || this.#samples >= SAMPLES_PER_COLLECTOR_MAX) return;
    this.#samples++;
    this.#open(meta).samples.push({
      suffix: '',
      labels: labels === undefined ? NO_LABELS : labelsFrom(labels),
      value,
    });
  }
}
