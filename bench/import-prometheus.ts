// How fast a data folder of Prometheus becomes ours: samples a second of CPU of one core, beside "promtool tsdb dump" of the same
// folder, which only reads and prints. Data: hosts with ten gauges (whole-number walks and decimals) and ten counters, a step of
// 15 s, six hours, written as blocks of Prometheus by our own export. BENCH_HOSTS says how many hosts (100): 2.9 M samples.
// The aim is 1 M samples a second; the peer is asked in the same run, and passed over where it is not installed.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ok } from '../src/base/index.ts';
import { exportPrometheus, importPrometheus, Ledger } from '../src/interchange/index.ts';
import { labelsFrom, MetricRegistry } from '../src/model/index.ts';
import { systemClock, systemDisk, systemRandom } from '../src/os/index.ts';
import { DEFAULT_STORE_SETTINGS, type OldSeries, openStore, type Store } from '../src/storage/index.ts';
import { seededRandom } from '../test/support/random.ts';

const HOSTS = Number(process.env['BENCH_HOSTS'] ?? 100);
const ROUNDS = 3;
const STEP_MS = 15_000;
const STEPS = (6 * 3_600_000) / STEP_MS;
const START_MS = Date.UTC(2026, 0, 1);

const disk = systemDisk();
const clock = systemClock();
const random = seededRandom(1);

async function opened(folder: string): Promise<Store> {
  const store = await openStore({
    ...{ disk, folder, clock, log: { log: () => {} }, metrics: new MetricRegistry() },
    settings: { ...DEFAULT_STORE_SETTINGS, maxAgeMs: 1e13 },
  });
  if (!store.ok) throw new Error(store.error.message);
  return store.value;
}

function seriesOf(host: number, i: number, timesMs: Float64Array): OldSeries {
  const values = new Float64Array(STEPS);
  let value = i < 10 ? 50 : random.uint32() % 1e6;
  for (let k = 0; k < STEPS; k++) {
    if (i < 5) value += (random.uint32() % 7) - 3;
    else if (i < 10) value = Math.round((value + random.float() - 0.5) * 100) / 100;
    else value += random.uint32() % 10 ** (i % 6);
    values[k] = value;
  }
  const name = i < 10 ? `gauge_${i}_value` : `counter_${i}_total`;
  const labels = labelsFrom({
    ...{ __name__: name, instance: `host-${host}.example.org:9100`, job: 'node', dc: `dc${host % 4}` },
    ...{ rack: `r${host % 40}`, env: host % 10 === 0 ? 'stage' : 'production', team: `team-${host % 12}` },
  });
  return { labels, producer: undefined, timesMs, values, from: 0, to: STEPS };
}

/** A folder of Prometheus with three blocks. */
async function madeIn(root: string): Promise<{ readonly folder: string; readonly samples: number }> {
  const store = await opened(join(root, 'source'));
  const span = { fromMs: START_MS, toMs: START_MS + STEPS * STEP_MS };
  async function* portions() {
    for (let host = 0; host < HOSTS; host++) {
      const offsetMs = random.uint32() % STEP_MS;
      const timesMs = Float64Array.from({ length: STEPS }, (_, k) => START_MS + offsetMs + k * STEP_MS);
      yield ok(Array.from({ length: 20 }, (_, i) => seriesOf(host, i, timesMs)));
    }
  }
  const written = await store.writeOld(span, portions());
  if (!written.ok) throw new Error(JSON.stringify(written.error));
  const folder = join(root, 'prometheus');
  const range = { fromMs: span.fromMs, toMs: span.toMs - 1 };
  const hours = [0, 2, 4].map(at => START_MS + at * 3_600_000);
  const exported = await exportPrometheus({
    ...{ disk, clock, random: systemRandom(), reader: store, folder, range, anyOf: [] },
    spans: hours.map(fromMs => ({ fromMs, toMs: fromMs + 2 * 3_600_000 })),
    customBuckets: false,
    onProgress: () => {},
  });
  if (!exported.ok) throw new Error(JSON.stringify(exported.error));
  await store.close();
  return { folder, samples: exported.value.samples };
}

interface Measured {
  readonly cpuS: number;
  readonly wallS: number;
}

async function importTo(folder: string, into: string): Promise<Measured> {
  const store = await opened(into);
  const ledger = await Ledger.open(disk, join(into, 'imported'));
  if (!ledger.ok) throw new Error(ledger.error.message);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const report = await importPrometheus({
    ...{ disk, clock, store, folder, ledger: ledger.value },
    ...{ maxAgeMs: 1e13, storeNewestMs: -Infinity, latestMs: Infinity },
    selection: { fromMs: -Infinity, toMs: Infinity, anyOf: [] },
    unzstd: () => ({ ok: false, error: 'there is none' }),
    onProgress: () => {},
  });
  const used = process.cpuUsage(cpu);
  const wallS = (performance.now() - startedMs) / 1000;
  if (!report.ok || report.value.damageCount > 0) throw new Error(JSON.stringify(report));
  await ledger.value.close();
  await store.close();
  return { cpuS: (used.user + used.system) / 1e6, wallS };
}

function dump(folder: string): Measured | undefined {
  const startedMs = performance.now();
  // The shell's own clock tells what its children used.
  const ran = spawnSync(
    'bash',
    ['-c', 'TIMEFORMAT="%U %S"; time promtool tsdb dump "$0" > /dev/null', folder],
    {
      encoding: 'utf8',
    },
  );
  const [user = Number.NaN, system = Number.NaN] = ran.stderr.trim().split(/\s+/).slice(-2).map(Number);
  if (ran.status !== 0) return undefined;
  return { cpuS: user + system, wallS: (performance.now() - startedMs) / 1000 };
}

const root = mkdtempSync(join(tmpdir(), 'watchkeeper-import-'));
try {
  const { folder, samples } = await madeIn(root);
  const show = (name: string, { cpuS, wallS }: Measured): void => {
    const perS = (samples / cpuS / 1e6).toFixed(2);
    process.stdout.write(
      `${name}: ${perS} M samples/s a core (CPU ${cpuS.toFixed(2)} s, wall ${wallS.toFixed(2)} s)\n`,
    );
  };
  process.stdout.write(`${(samples / 1e6).toFixed(2)} M samples of ${20 * HOSTS} series in 3 blocks\n`);
  for (let round = 0; round < ROUNDS; round++) {
    show('import prometheus   ', await importTo(folder, join(root, `store${round}`)));
    const peer = dump(folder);
    if (peer === undefined) process.stdout.write('promtool tsdb dump  : not installed\n');
    else show('promtool tsdb dump  ', peer);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
