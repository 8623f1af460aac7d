// meta.json of a block of Prometheus: what is needed of it to read one, and all that it has to say of one that is written.

import { err, ok, type Result } from '../../base/index.ts';

export interface PrometheusMeta {
  readonly ulid: string;
  readonly minMs: number;
  /** Left out. */
  readonly maxMs: number;
  readonly samples: number;
  readonly series: number;
  readonly chunks: number;
  /** Blocks whose samples are in this one: those that are still there count for nothing. */
  readonly parents: readonly string[];
}

/** The name of a block's folder. */
export const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Times beyond it are no dates. */
const TIME_MS_MAX = 8.64e15;

export function parseMeta(bytes: Uint8Array): Result<PrometheusMeta, string> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return err('it is no JSON');
  }
  const meta = recordOf(value);
  const ulid = meta['ulid'];
  if (typeof ulid !== 'string' || !ULID.test(ulid)) return err('it has no ulid');
  if (meta['version'] !== 1) return err(`it has the version ${String(meta['version'])}; 1 is known`);
  const [minMs, maxMs] = [meta['minTime'], meta['maxTime']];
  if (!isTime(minMs) || !isTime(maxMs) || minMs > maxMs) return err('minTime and maxTime are no range');
  const stats = recordOf(meta['stats']);
  const parents = recordOf(meta['compaction'])['parents'];
  return ok({
    ...{ ulid, minMs, maxMs },
    samples: countOf(stats['numSamples']),
    series: countOf(stats['numSeries']),
    chunks: countOf(stats['numChunks']),
    parents: Array.isArray(parents)
      ? parents.map(one => recordOf(one)['ulid']).filter(one => typeof one === 'string')
      : [],
  });
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= TIME_MS_MAX;
}

/** For progress only: nothing depends on it. */
function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}

export function encodeMeta(meta: Omit<PrometheusMeta, 'parents'> & { readonly level: number }): Uint8Array {
  const { ulid, minMs, maxMs, samples, series, chunks, level } = meta;
  const content = {
    ...{ ulid, minTime: minMs, maxTime: maxMs },
    stats: { numSamples: samples, numSeries: series, numChunks: chunks },
    compaction: { level, sources: [ulid] },
    version: 1,
  };
  return new TextEncoder().encode(`${JSON.stringify(content, null, '\t')}\n`);
}
