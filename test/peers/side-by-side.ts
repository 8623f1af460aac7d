// The real program and Debian's Prometheus side by side: started empty, given the same samples by remote write, asked the
// same, and their answers compared value by value.

import { compressSync } from 'snappy';
import type { QueryData } from '../../src/api/index.ts';
import { encodeV1, type TestSeries } from '../../src/collect/push/testdata/encode.ts';
import { type Program, startProgram, temporaryFolder } from '../e2e/support.ts';
import { type Peer, startPrometheus } from './prometheus.ts';

const TOLERANCE = 1e-9;

export interface Both {
  readonly program: Program;
  readonly peer: Peer;
}

/** Neither scrapes anything nor evaluates rules. What `opened` gets must be called at the end, last first. */
export async function startBoth(opened: (() => unknown)[]): Promise<Both> {
  const folder = temporaryFolder();
  opened.push(folder.remove);
  const config = folder.write('watchkeeper.yml', 'host: { enabled: false }\nrule_files: []\n');
  const program = await startProgram({ folder, args: ['--config', config] });
  opened.push(program.kill);
  const peer = await startPrometheus(folder, () => 'scrape_configs: []\n', [
    '--web.enable-remote-write-receiver',
  ]);
  opened.push(peer.stop);
  return { program, peer };
}

/** By remote write 1.0, some series a request. */
export async function push(url: string, series: readonly TestSeries[]): Promise<void> {
  for (let at = 0; at < series.length; at += 20) {
    const body = compressSync(Buffer.from(encodeV1(series.slice(at, at + 20))));
    const response = await fetch(`${url}/api/v1/write`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
      },
      body: new Uint8Array(body),
    });
    if (!response.ok) throw new Error(`${url} refused with ${response.status}: ${await response.text()}`);
  }
}

export interface Asked {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly data?: QueryData;
  readonly error?: string;
}

async function ask(url: string, { path, params }: Asked): Promise<Answered> {
  const response = await fetch(`${url}${path}`, { method: 'POST', body: new URLSearchParams(params) });
  return (await response.json()) as Answered;
}

/** Ours first. */
export function askBoth({ program, peer }: Both, asked: Asked): Promise<readonly [Answered, Answered]> {
  return Promise.all([ask(program.url, asked), ask(peer.url, asked)]);
}

/** By labels and time: each value. */
export function pointsOf(data: QueryData): ReadonlyMap<string, number> {
  const points = new Map<string, number>();
  const put = (metric: Readonly<Record<string, string>>, [atS, value]: readonly [number, string]): void => {
    const key = JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));
    points.set(`${key} @${atS}`, Number(value.replace('Inf', 'Infinity')));
  };
  if (data.resultType === 'vector') for (const row of data.result) if (row.value) put(row.metric, row.value);
  if (data.resultType === 'matrix')
    for (const row of data.result) for (const value of row.values ?? []) put(row.metric, value);
  if (data.resultType === 'scalar') put({}, data.result);
  return points;
}

export interface Comparison {
  /** Values may differ by 1e-9 of this, or of themselves where they are larger. */
  readonly largest: number;
  /** Our refusal of what the other answers. */
  allowsRefusal?(error: string): boolean;
  allowsValue?(ours: number, theirs: number): boolean;
}

/** Undefined where both say the same. */
export function difference(
  [mine, theirs]: readonly [Answered, Answered],
  comparison: Comparison,
): string | undefined {
  if (mine.data === undefined || theirs.data === undefined) {
    if (mine.data === undefined && theirs.data === undefined) return undefined;
    if (theirs.data !== undefined && comparison.allowsRefusal?.(mine.error ?? '')) return undefined;
    return `ours: ${mine.error ?? 'an answer'}; theirs: ${theirs.error ?? 'an answer'}`;
  }
  const [ours, other] = [pointsOf(mine.data), pointsOf(theirs.data)];
  for (const [key, value] of ours) {
    const expected = other.get(key);
    if (expected === undefined) return `only we have ${key} ${value}`;
    if (Object.is(value, expected) || value === expected) continue;
    if (comparison.allowsValue?.(value, expected)) continue;
    const scale = Math.max(Math.abs(value), Math.abs(expected), comparison.largest);
    // An infinity is near to nothing but itself.
    if (!(scale < Infinity && Math.abs(value - expected) <= TOLERANCE * scale))
      return `${key}: ours ${value}, theirs ${expected}`;
  }
  for (const key of other.keys()) if (!ours.has(key)) return `only they have ${key} ${other.get(key)}`;
  return undefined;
}
