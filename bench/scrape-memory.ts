// The aim: while 100 targets of 1,000 series are scraped each second, the resident memory stays below that of Prometheus for
// as long as the program runs. All installed systems run at the same time, each with targets of its own, not pinned; what
// counts is the highest of the samples taken each 5 s from BENCH_FROM_MINUTES (default 5) to BENCH_TO_MINUTES (default 30).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Pages, scrapeConfig, startPages } from './peers/scrape-load.ts';
import { freePort, median, presentSystems, residentMb, started, stopped } from './peers/systems.ts';

const TARGETS = 100;
const SERIES = 1000;
const EVERY_MS = 5000;
const FROM_MS = Number(process.env['BENCH_FROM_MINUTES'] ?? 5) * 60_000;
const TO_MS = Number(process.env['BENCH_TO_MINUTES'] ?? 30) * 60_000;

interface Watched {
  readonly name: string;
  readonly pages: Pages;
  readonly samples: number[];
  readonly pid: number;
  end(): Promise<void>;
}

process.stdout.write(
  `${TARGETS} targets of ${SERIES} series at 1 s, gzip, each system with targets of its own, all at once; minute ${FROM_MS / 60_000} to ${TO_MS / 60_000}\n`,
);
const all: Watched[] = [];
try {
  for (const system of presentSystems()) {
    const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
    const pages = await startPages(TARGETS, SERIES);
    const config = scrapeConfig(system, folder, pages.ports);
    const child = started(system, { folder, port: await freePort(), config }, { pinned: false });
    const end = async (): Promise<void> => {
      await stopped(child, 'SIGTERM');
      pages.end();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    };
    all.push({ name: system.name, pages, samples: [], pid: child.pid as number, end });
  }
  const startMs = performance.now();
  let servedAtFrom: readonly number[] = [];
  while (performance.now() - startMs < TO_MS) {
    await sleep(EVERY_MS);
    if (performance.now() - startMs < FROM_MS) continue;
    if (servedAtFrom.length === 0) servedAtFrom = await Promise.all(all.map(one => one.pages.served()));
    for (const { pid, samples } of all) samples.push(residentMb(pid));
  }
  const [ours] = all.map(({ samples }) => Math.max(...samples));
  for (const [i, { name, pages, samples }] of all.entries()) {
    const highest = Math.max(...samples);
    const pagesASecond = ((await pages.served()) - (servedAtFrom[i] ?? 0)) / ((TO_MS - FROM_MS) / 1000);
    process.stdout.write(
      `${name.padEnd(18)} ${highest.toFixed(0)} MiB at most (x${(highest / (ours ?? 1)).toFixed(2)} of ours), median ${median(samples).toFixed(0)}, at the end ${samples.at(-1)?.toFixed(0)}; ${pagesASecond.toFixed(1)} pages a second\n`,
    );
  }
} finally {
  for (const one of all) await one.end();
}
