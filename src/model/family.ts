// Metric families in memory: what the host collector and the program's own metrics produce, and pages print.

import type { Labels } from './labels.ts';
import type { MetricType } from './sample.ts';

export interface FamilySample {
  /** "" for the family's own name, or "_sum", "_count", "_bucket", "_total". */
  readonly suffix: string;
  /** Without the metric name. */
  readonly labels: Labels;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly FamilySample[];
}
