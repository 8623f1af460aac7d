// The memory soak: the real program scrapes many targets for a long time, and its memory must be flat after the first
// ten minutes. Two processes beside this one: the program, and a generator of pages.

import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SAMPLE_MS = 10_000;
/** The heads fill, the heap finds its size, the JIT settles: what comes after must be flat. */
const WARM_UP_MINUTES = 10;
/** Of the fitted line, as a share of the mean. A leak of one byte a sample would be far above it. */
const GROWTH_AN_HOUR_MAX = 0.1;
/** A garbage collector's saw moves the fit by so much over short windows. */
const GROWTH_MB_AN_HOUR_MIN = 30;
/** Of all scrapes that were due. */
const MISSED_SHARE_MAX = 0.01;
const TICKS_A_SECOND = 100;

export async function soakMemory(options) {
  const minutes = Number(options.minutes ?? 30);
  const targets = Number(options.targets ?? 100);
  const series = Number(options.series ?? 1000);
  if (![minutes, targets, series].every(value => value > 0)) {
    process.stderr.write('soak: --minutes, --targets and --series are numbers above 0\n');
    return 2;
  }
  if (process.platform !== 'linux') {
    process.stderr.write('soak: the memory soak reads /proc and runs on Linux only\n');
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-soak-'));
  const children = [];
  try {
    return await measure({ folder, children, minutes, targets, series });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measure({ folder, children, minutes, targets, series }) {
  const generator = fork(
    fileURLToPath(new URL('soak-memory-pages.mjs', import.meta.url)),
    [String(targets), String(series)],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  );
  children.push(generator);
  const [line] = await once(generator.stdout, 'data');
  const ports = JSON.parse(String(line));
  writeFileSync(join(folder, 'watchkeeper.yml'), config(ports));
  const port = await freePort();
  const program = spawn(
    process.execPath,
    [
      join(root, 'bin', 'watchkeeper'),
      'run',
      ...['--config', join(folder, 'watchkeeper.yml')],
      ...['--data', join(folder, 'data')],
      ...['--listen', `127.0.0.1:${port}`],
      ...['--log-level', 'warn'],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  children.push(program);
  process.stdout.write(
    `${targets} targets of ${series} series each second for ${minutes} minutes, ${availableParallelism()} cores, Node ${process.versions.node}\n` +
      '  minute     RSS MB   CPU share of one core   scrapes      missed\n',
  );
  const rows = [];
  const startedMs = performance.now();
  let before = { cpuSeconds: 0, atMs: startedMs };
  while (performance.now() - startedMs < minutes * 60_000 && program.exitCode === null) {
    await sleep(SAMPLE_MS);
    const row = await sample({ pid: program.pid, port, startedMs, targets });
    const { cpuSeconds, atMs } = row;
    const cpuShare = ((cpuSeconds - before.cpuSeconds) * 1000) / (atMs - before.atMs);
    before = row;
    rows.push({ ...row, cpuShare });
    process.stdout.write(rowText({ ...row, cpuShare }));
  }
  const alive = program.exitCode === null;
  program.kill('SIGTERM');
  return verdict(rows, { minutes, alive });
}

function config(ports) {
  return `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 15s }
host: { enabled: false }
scrape_configs:
  - job_name: soak
    static_configs:
      - targets: [${ports.map(port => `'127.0.0.1:${port}'`).join(', ')}]
`;
}

async function sample({ pid, port, startedMs, targets }) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rssMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  // After the name in brackets, which may hold blanks: state is field 3, utime and stime are 14 and 15.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const cpuSeconds = (Number(stat[11]) + Number(stat[12])) / TICKS_A_SECOND;
  const atMs = performance.now();
  const page = await fetch(`http://127.0.0.1:${port}/metrics`).then(
    answer => answer.text(),
    () => '',
  );
  const sum = (name, label = '') =>
    page
      .split('\n')
      .filter(line => line.startsWith(name) && line.includes(label))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
  const scrapes = sum('watchkeeper_scrapes_total', 'success');
  const skipped = sum('watchkeeper_scrape_skipped_ticks_total');
  const failed = sum('watchkeeper_scrapes_total', 'failure') + sum('watchkeeper_scrape_lost_batches_total');
  return {
    minute: (atMs - startedMs) / 60_000,
    rssMb,
    cpuSeconds,
    atMs,
    scrapes,
    missed: skipped + failed,
    due: targets,
  };
}

function rowText({ minute, rssMb, cpuShare, scrapes, missed }) {
  const cells = [
    minute.toFixed(1).padStart(8),
    rssMb.toFixed(0).padStart(10),
    cpuShare.toFixed(2).padStart(23),
  ];
  return `${cells.join(' ')} ${String(scrapes).padStart(9)} ${String(missed).padStart(11)}\n`;
}

function verdict(rows, { minutes, alive }) {
  const problems = alive ? [] : ['the program ended by itself'];
  const last = rows.at(-1);
  const due = (last?.scrapes ?? 0) + (last?.missed ?? 0);
  if (last === undefined || last.scrapes === 0) problems.push('nothing was scraped');
  else if (last.missed / due > MISSED_SHARE_MAX)
    problems.push(`${last.missed} of ${due} scrapes were missed`);
  // A short trial still says something about the rows after its first third.
  const fromMinute = Math.min(WARM_UP_MINUTES, minutes / 3);
  const steady = rows.filter(row => row.minute >= fromMinute);
  const slope = slopeOf(steady) * 60;
  const mean = steady.reduce((total, row) => total + row.rssMb, 0) / Math.max(1, steady.length);
  const limit = Math.max(GROWTH_MB_AN_HOUR_MIN, mean * GROWTH_AN_HOUR_MAX);
  const text = `after minute ${fromMinute.toFixed(1)}: mean ${mean.toFixed(0)} MB, ${slope.toFixed(1)} MB an hour (limit ${limit.toFixed(0)})`;
  process.stdout.write(`${text}\n`);
  if (!(slope <= limit)) problems.push(`memory grows: ${text}`);
  for (const problem of problems) process.stdout.write(`FAILED ${problem}\n`);
  process.stdout.write(`${problems.length === 0 ? 1 : 0} passed, ${problems.length} failed\n`);
  return problems.length === 0 ? 0 : 1;
}

/** MB a minute, by least squares. */
function slopeOf(rows) {
  const n = rows.length;
  const meanX = rows.reduce((total, row) => total + row.minute, 0) / n;
  const meanY = rows.reduce((total, row) => total + row.rssMb, 0) / n;
  const up = rows.reduce((total, row) => total + (row.minute - meanX) * (row.rssMb - meanY), 0);
  const down = rows.reduce((total, row) => total + (row.minute - meanX) ** 2, 0);
  return up / down;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
