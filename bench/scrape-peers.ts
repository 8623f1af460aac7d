// The aim: scraping 100 targets of 1,000 series a second for less CPU and memory than Prometheus and
// VictoriaMetrics need, each pinned to one core, the watched side on another. CPU = user + system of the process;
// memory = resident at the end.
// A peer that is not installed is left out. BENCH_SECONDS (default 60) a system and round, BENCH_ROUNDS (default 1).

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepPagesOff, scrapeConfig, startPages } from './peers/scrape-load.ts';
import {
  cpuSeconds,
  freePort,
  median,
  pinnable,
  presentSystems,
  residentMb,
  type System,
  started,
  stopped,
} from './peers/systems.ts';

const TARGETS = 100;
const SERIES = 1000;
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 60);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 1);
/** Series are new at first, code is cold: what comes after counts. */
const WARM_UP_MS = 30_000;
interface Figures {
  readonly cpuSecondsAMillion: number;
  readonly residentMb: number;
  readonly pagesServed: number;
}

async function measure(system: System): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
  const pages = await startPages(TARGETS, SERIES);
  keepPagesOff(pages);
  let child: ChildProcess | undefined;
  try {
    const config = scrapeConfig(system, folder, pages.ports);
    child = started(system, { folder, port: await freePort(), config });
    const pid = child.pid as number;
    await sleep(WARM_UP_MS);
    const before = { cpu: cpuSeconds(pid), pages: await pages.served() };
    await sleep(SECONDS * 1000);
    const pagesServed = (await pages.served()) - before.pages;
    const millions = (pagesServed * SERIES) / 1e6;
    return {
      cpuSecondsAMillion: (cpuSeconds(pid) - before.cpu) / millions,
      residentMb: residentMb(pid),
      pagesServed,
    };
  } finally {
    await stopped(child, 'SIGTERM');
    pages.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const present = presentSystems();
const found = new Map<string, Figures[]>(present.map(({ name }) => [name, []]));
process.stdout.write(
  `${TARGETS} targets of ${SERIES} series at 1 s, gzip; ${ROUNDS} x ${SECONDS} s each; ${pinnable ? 'pinned to a core' : 'not pinned'}; the log of Watchkeeper is synced each second\n`,
);
for (let round = 0; round < ROUNDS; round++) {
  for (const system of present) found.get(system.name)?.push(await measure(system));
}
const ours = median(found.get('watchkeeper')?.map(one => one.cpuSecondsAMillion) ?? []);
for (const [name, figures] of found) {
  const cpu = median(figures.map(one => one.cpuSecondsAMillion));
  const memory = median(figures.map(one => one.residentMb));
  const missed = figures.map(one => TARGETS * SECONDS - one.pagesServed);
  process.stdout.write(
    `${name.padEnd(18)} ${cpu.toFixed(2)} CPU s/M samples (x${(cpu / ours).toFixed(2)} of ours)  ${memory.toFixed(0)} MB resident  missed ${median(missed)}\n`,
  );
}
