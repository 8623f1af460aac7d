// textfile: metrics that scripts leave in *.prom files of one folder.

import { parseText } from '../../../exposition/index.ts';
import {
  type FamilySample,
  labelValue,
  METRIC_NAME,
  type MetricFamily,
  type MetricType,
  withoutLabels,
} from '../../../model/index.ts';
import { type CollectorKind, OK } from '../kind.ts';

const NAME_ONLY = new Set([METRIC_NAME]);

/** Families of one file, or why it cannot be used; a file is taken whole or not at all. */
export function parseTextfile(bytes: Uint8Array, file: string): readonly MetricFamily[] | string {
  const types = new Map<string, MetricType>();
  const helps = new Map<string, string>();
  const samples = new Map<string, FamilySample[]>();
  let timed = false;
  const failure = parseText(bytes, {
    type: (name, type) => types.set(name, type),
    help: (name, help) => helps.set(name, help),
    sample: (labels, value, timestampMs) => {
      timed ||= timestampMs !== undefined;
      const name = labelValue(labels, METRIC_NAME);
      const family = familyOf(name, types);
      const list = samples.get(family) ?? [];
      samples.set(family, list);
      list.push({ suffix: name.slice(family.length), labels: withoutLabels(labels, NAME_ONLY), value });
    },
  });
  if (failure !== undefined) return 'it is not a valid page';
  if (timed) return 'samples with times of their own are not taken';
  return [...samples].map(([name, list]) => ({
    name,
    help: helps.get(name) ?? `Metric read from ${file}`,
    type: types.get(name) ?? 'unknown',
    samples: list,
  }));
}

/** The family a sample belongs to: "a_sum" is of "a" where "a" is a summary or histogram. */
function familyOf(name: string, types: ReadonlyMap<string, MetricType>): string {
  const base = /^(.+)_(sum|count|bucket)$/.exec(name)?.[1];
  const type = base === undefined ? undefined : types.get(base);
  return base !== undefined && (type === 'summary' || type === 'histogram') ? base : name;
}

export const textfile: CollectorKind = {
  name: 'textfile',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.settings.textfileFolder;
    let errors = 0;
    const names = folder === '' ? [] : await host.files.list(folder);
    if (names === undefined) errors++;
    for (const name of (names ?? []).filter(one => one.endsWith('.prom'))) {
      const file = `${folder}/${name}`;
      const [bytes, modifiedMs] = await Promise.all([host.files.bytes(file), host.files.modifiedMs(file)]);
      const families = bytes.ok ? parseTextfile(bytes.value, file) : bytes.error.message;
      if (typeof families === 'string') {
        errors++;
        continue;
      }
      for (const family of families) page.family(family);
      const mtime = modifiedMs === undefined ? undefined : modifiedMs / 1000;
      page.gauge('node_textfile_mtime_seconds', 'When each text file was last changed.', mtime, { file });
    }
    page.gauge('node_textfile_scrape_error', 'Whether a text file could not be read.', errors === 0 ? 0 : 1);
    return OK;
  },
};
