// The aim, not met yet: scraping 100 targets of 1,000 series a second for less CPU and memory than Prometheus and
// VictoriaMetrics need, each pinned to one core, the watched side on another. CPU = user + system of the process;
// memory = resident at the end.
// A peer that is not installed is left out. BENCH_SECONDS (default 60) a system and round, BENCH_ROUNDS (default 1).

import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TARGETS = 100;
const SERIES = 1000;
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 60);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 1);
/** Series are new at first, code is cold: what comes after counts. */
const WARM_UP_MS = 15_000;
const TICKS_A_SECOND = 100;

interface System {
  readonly name: string;
  readonly program: string;
  args(at: { readonly folder: string; readonly port: number; readonly config: string }): readonly string[];
}

const SYSTEMS: readonly System[] = [
  {
    name: 'watchkeeper',
    program: process.execPath,
    args: ({ folder, port, config }) => [
      join(process.cwd(), 'bin', 'watchkeeper'),
      'run',
      ...['--config', config, '--data', join(folder, 'data')],
      ...['--listen', `127.0.0.1:${port}`, '--log-level', 'error'],
    ],
  },
  {
    name: 'prometheus',
    program: 'prometheus',
    args: ({ folder, port, config }) => [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
  },
  {
    name: 'victoria-metrics',
    program: 'victoria-metrics',
    args: ({ folder, port, config }) => [
      `-promscrape.config=${config}`,
      `-storageDataPath=${join(folder, 'data')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-loggerLevel=ERROR',
    ],
  },
];

interface Figures {
  readonly cpuSecondsAMillion: number;
  readonly residentMb: number;
  readonly pagesServed: number;
}

const pinnable = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
const pinned = (core: number, program: string, args: readonly string[]): ChildProcess =>
  pinnable
    ? spawn('taskset', ['-c', String(core), program, ...args], { stdio: 'ignore' })
    : spawn(program, args, { stdio: 'ignore' });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function cpuSeconds(pid: number): number {
  // After the name in brackets, which may hold blanks: state is field 3, utime and stime are 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function measure(system: System): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
  const pages = fork('tools/soak-memory-pages.mjs', [String(TARGETS), String(SERIES), 'gzip'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  if (pinnable) spawnSync('taskset', ['-pc', '1', String(pages.pid)]);
  const served = async (): Promise<number> => {
    pages.send('served');
    const [answer] = (await once(pages, 'message')) as [{ readonly served: number }];
    return answer.served;
  };
  let child: ChildProcess | undefined;
  try {
    const [line] = await once(pages.stdout as NonNullable<typeof pages.stdout>, 'data');
    const ports = JSON.parse(String(line)) as readonly number[];
    const config = join(folder, 'scrape.yml');
    writeFileSync(
      config,
      `global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n  - job_name: bench\n    static_configs:\n      - targets: [${ports.map(port => `'127.0.0.1:${port}'`).join(', ')}]\n`,
    );
    child = pinned(0, system.program, system.args({ folder, port: await freePort(), config }));
    const pid = child.pid as number;
    await sleep(WARM_UP_MS);
    const before = { cpu: cpuSeconds(pid), pages: await served() };
    await sleep(SECONDS * 1000);
    const pagesServed = (await served()) - before.pages;
    const millions = (pagesServed * SERIES) / 1e6;
    return {
      cpuSecondsAMillion: (cpuSeconds(pid) - before.cpu) / millions,
      residentMb: residentMb(pid),
      pagesServed,
    };
  } finally {
    child?.kill('SIGTERM');
    if (child !== undefined && child.exitCode === null) await once(child, 'exit');
    pages.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const present = SYSTEMS.filter(
  ({ program }) => program === process.execPath || spawnSync('which', [program]).status === 0,
);
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
