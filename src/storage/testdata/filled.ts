// A store on a fake disk with something of everything: blocks of two levels, chunk files, open rows, late samples, native
// histograms, exemplars, metadata, deletions. For tests that look at its files.

import { FakeClock } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { randomExtras, sampleText } from '../../../test/support/extras.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import { seededRandom } from '../../../test/support/random.ts';
import type { Disk } from '../../base/index.ts';
import { formatLabels, labelsFrom, MetricRegistry, targetId } from '../../model/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, type StoreSettings } from '../index.ts';

export const FOLDER = '/data/store';
const HOUR_MS = 3_600_000;

export interface Filled {
  readonly disk: FakeDisk;
  readonly clock: FakeClock;
}

export async function opened(
  { clock }: Pick<Filled, 'clock'>,
  mount: Disk,
  options: { readonly folder?: string; readonly settings?: Partial<StoreSettings> } = {},
): Promise<Store> {
  const settings = { ...DEFAULT_STORE_SETTINGS, ...options.settings };
  const ports = { disk: mount, clock, log: new CollectingLog(), metrics: new MetricRegistry() };
  const store = await openStore({ ...ports, folder: options.folder ?? FOLDER, settings });
  if (!store.ok) throw new Error(store.error.message);
  return store.value;
}

/** Some ten hours of it, closed at the end. `series` of each of three producers. */
export async function filled(seed: number, { hours = 10, series = 12 } = {}): Promise<Filled> {
  const clock = new FakeClock();
  const disk = new FakeDisk();
  const random = seededRandom(seed);
  const store = await opened({ clock }, disk.mount());
  const endMs = clock.nowMs() + hours * HOUR_MS;
  for (let step = 0; clock.nowMs() < endMs; step++) {
    for (const producer of [0, 1, 2]) {
      const names = Array.from({ length: series }, (_, i) => labelsOf(producer, i, step));
      const refs = Uint32Array.from(names, labels => {
        const ref = store.intern(labels);
        if (!ref.ok) throw new Error(ref.error);
        return ref.value;
      });
      const values = Float64Array.from({ length: series }, (_, i) => (i % 3 === 0 ? random.float() : step * i));
      const timestampMs = clock.nowMs() - (step % 17 === 5 && producer === 1 ? 400_000 : 0);
      const exemplar = { labels: labelsFrom({ trace: String(step) }), value: step };
      const extras =
        producer === 2 ? randomExtras(random, series) : producer === 0 ? { exemplars: [{ index: 1, exemplar }] } : {};
      await store.append({ producer: targetId(`p${producer}`), timestampMs, series: refs, values, ...extras });
    }
    await clock.advance(60_000);
    if (step === 200) await store.deleteSeries([{ name: 'i', op: '=', value: '3' }], { fromMs: 0, toMs: Infinity });
  }
  await store.compactDue();
  await store.maintain();
  await store.close();
  return { disk, clock };
}

/** Some come and go. */
function labelsOf(producer: number, i: number, step: number) {
  const run = i === 5 ? { run: String(Math.floor(step / 100)) } : {};
  return labelsFrom({ __name__: `m${i % 4}`, i: String(i), p: String(producer), ...run });
}

/** All samples as texts, by series and time. */
export async function samplesOf(store: Store): Promise<ReadonlyMap<string, string>> {
  const hints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
  const found = await store.select([], hints);
  if (!found.ok) throw new Error(found.error.message);
  const samples = new Map<string, string>();
  for (const { labels, timesMs, values, histograms, startTimesMs, from, to } of found.value) {
    const name = formatLabels(labels);
    for (let i = from; i < to; i++)
      samples.set(
        `${name} ${timesMs[i]}`,
        sampleText(values, i, { histogram: histograms?.get(i), startMs: startTimesMs?.[i] }),
      );
  }
  return samples;
}

export interface Filed {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly samples: ReadonlyMap<string, string>;
}

/** The files of such a store, and what is in it. */
export async function filed(seed: number, size: { readonly hours?: number; readonly series?: number } = {}): Promise<Filed> {
  const { disk, clock } = await filled(seed, size);
  const files = await filesIn(disk, '/data');
  const store = await opened({ clock }, disk.mount());
  const samples = await samplesOf(store);
  await store.close();
  return { files, samples };
}

/** Every file below a folder with its bytes. */
export async function filesIn(disk: Disk, folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const names = await disk.list(folder);
  if (!names.ok) throw new Error(names.error.message);
  for (const name of names.value) {
    const path = `${folder}/${name}`;
    const stat = await disk.stat(path);
    if (stat.ok && stat.value.kind === 'folder')
      for (const [inside, bytes] of await filesIn(disk, path)) files.set(inside, bytes);
    else {
      const read = await disk.readFile(path);
      if (!read.ok) throw new Error(read.error.message);
      files.set(path, read.value.slice());
    }
  }
  return files;
}

/** Puts other bytes in the place of those at an offset. */
export async function overwrite(disk: Disk, path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, 'update');
  if (!file.ok) throw new Error(file.error.message);
  await file.value.write(bytes, offset);
  await file.value.sync();
  await file.value.close();
}

/** A disk of its own with these files. */
export async function diskWith(files: ReadonlyMap<string, Uint8Array>): Promise<FakeDisk> {
  const disk = new FakeDisk();
  for (const [path, bytes] of files) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    await disk.makeFolder(folder);
    const file = await disk.open(path, 'create');
    if (!file.ok) throw new Error(file.error.message);
    await file.value.write(bytes);
    await file.value.sync();
    await file.value.close();
    for (let at = folder; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) await disk.syncFolder(at);
    await disk.syncFolder('/');
  }
  return disk;
}
