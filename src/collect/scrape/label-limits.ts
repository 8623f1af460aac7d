// What a series may look like: label_limit and its siblings, and names when only legacy ones are allowed.

import { type Labels, labelPairs, labelValue, METRIC_NAME } from '../../model/index.ts';

export interface LabelLimits {
  /** Labels a series, its name included; 0 is no limit, here and below. */
  readonly labels: number;
  /** Bytes of UTF-8. */
  readonly nameBytes: number;
  readonly valueBytes: number;
  /** Names of letters, digits and "_" only (and ":" in metric names). */
  readonly legacyNames: boolean;
}

export const NO_LABEL_LIMITS: LabelLimits = { labels: 0, nameBytes: 0, valueBytes: 0, legacyNames: false };

/** So much of a name is quoted. */
const QUOTED_CHARS = 50;

/** What is wrong with a series, or "". */
export function limitProblem(labels: Labels, limits: LabelLimits): string {
  const metric = JSON.stringify(labelValue(labels, METRIC_NAME).slice(0, QUOTED_CHARS));
  const count = labels.length / 2;
  if (limits.labels > 0 && count > limits.labels)
    return `Cannot take a series of ${metric} with ${count} labels: label_limit is ${limits.labels}`;
  for (const [name, value] of labelPairs(labels)) {
    const quoted = JSON.stringify(name.slice(0, QUOTED_CHARS));
    const cause = `Cannot take a series of ${metric}: the label ${quoted}`;
    const nameBytes = limits.nameBytes > 0 ? Buffer.byteLength(name) : 0;
    if (nameBytes > limits.nameBytes)
      return `${cause} has a name of ${nameBytes} bytes, label_name_length_limit is ${limits.nameBytes}`;
    const valueBytes = limits.valueBytes > 0 ? Buffer.byteLength(value) : 0;
    if (valueBytes > limits.valueBytes)
      return `${cause} has a value of ${valueBytes} bytes, label_value_length_limit is ${limits.valueBytes}`;
    if (limits.legacyNames && !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
      return `${cause} has a name that metric_name_validation_scheme: legacy does not allow`;
  }
  if (limits.legacyNames && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(labelValue(labels, METRIC_NAME)))
    return `Cannot take a series of ${metric}: metric_name_validation_scheme: legacy does not allow the name`;
  return '';
}
