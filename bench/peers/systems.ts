// The programs that are measured beside each other, and what the kernel says they used. Each runs on a core of its own;
// who loads them runs on another.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TICKS_A_SECOND = 100;
const READY_EVERY_MS = 10;
const READY_WITHIN_MS = 120_000;

export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly config: string;
}

export interface System {
  readonly name: string;
  readonly program: string;
  /** Answers 200 once what was stored can be asked for. */
  readonly readyPath: string;
  readonly writePath: string;
  args(at: Place): readonly string[];
}

export const SYSTEMS: readonly System[] = [
  {
    name: 'watchkeeper',
    program: process.execPath,
    readyPath: '/-/ready',
    writePath: '/api/v1/write',
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
    readyPath: '/-/ready',
    writePath: '/api/v1/write',
    args: ({ folder, port, config }) => [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--log.level=error',
    ],
  },
  {
    name: 'victoria-metrics',
    program: 'victoria-metrics',
    readyPath: '/health',
    writePath: '/api/v1/write',
    args: ({ folder, port, config }) => [
      `-promscrape.config=${config}`,
      `-storageDataPath=${join(folder, 'data')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-loggerLevel=ERROR',
    ],
  },
];

/** Those that are installed; ours always is. */
export function presentSystems(systems: readonly System[] = SYSTEMS): readonly System[] {
  const wanted = process.env['BENCH_SYSTEMS']?.split(',');
  return systems.filter(
    ({ name, program }) =>
      (wanted?.includes(name) ?? true) &&
      (program === process.execPath || spawnSync('which', [program]).status === 0),
  );
}

export const pinnable: boolean =
  availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** This process, which makes the load, keeps off the core of the measured one. */
export function keepOff(): void {
  if (pinnable) spawnSync('taskset', ['-apc', '1', String(process.pid)]);
}

export function started(
  system: System,
  at: Place,
  { pinned = true }: { readonly pinned?: boolean } = {},
): ChildProcess {
  const core = pinned && pinnable ? ['taskset', '-c', '0'] : [];
  const [command = '', ...args] = [...DIES_WITH_US, ...core, system.program, ...system.args(at)];
  const child = spawn(command, args, { stdio: 'ignore' });
  endWithUs(child);
  return child;
}

/** The kernel kills what is started behind it once this process is gone, however it ended. */
const DIES_WITH_US: readonly string[] =
  spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
    ? ['setpriv', '--pdeathsig', 'KILL']
    : [];

/** Where there is no such command: at least when this process can still act. */
function endWithUs(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL');
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const end = (signal: NodeJS.Signals): void => {
    kill();
    process.exit(128 + constants.signals[signal]);
  };
  process.once('exit', kill);
  for (const signal of signals) process.once(signal, end);
  child.once('exit', () => {
    process.off('exit', kill);
    for (const signal of signals) process.off(signal, end);
  });
}

/** Nothing but what is pushed. */
const CONFIG: { readonly watchkeeper: string; readonly others: string } = {
  watchkeeper: 'host: { enabled: false }\nrule_files: []\n',
  others: 'scrape_configs: []\n',
};

export interface Running {
  readonly at: Place;
  readonly pid: number;
  /** Kills it and starts it again where it was; milliseconds until it is ready. */
  restart(): Promise<number>;
}

/** Starts a system in a folder of its own, and leaves nothing of both behind. */
export async function withSystem<T>(
  system: System,
  work: (running: Running) => Promise<T>,
  configs: typeof CONFIG = CONFIG,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
  const config = join(folder, 'config.yml');
  writeFileSync(config, system.name === 'watchkeeper' ? configs.watchkeeper : configs.others);
  const at = { folder, config, port: await freePort() };
  let child = started(system, at);
  try {
    await untilReady(system, at.port);
    const restart = async (): Promise<number> => {
      await stopped(child, 'SIGKILL');
      child = started(system, at);
      return untilReady(system, at.port);
    };
    return await work({ at, pid: child.pid as number, restart });
  } finally {
    await stopped(child, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Milliseconds until it answers. */
async function untilReady(system: System, port: number): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}${system.readyPath}`).catch(() => undefined);
    if (response?.status === 200) return performance.now() - startMs;
    if (performance.now() - startMs > READY_WITHIN_MS) throw new Error(`${system.name} does not get ready`);
    await sleep(READY_EVERY_MS);
  }
}

export async function stopped(child: ChildProcess | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** User and system time so far, of all threads. */
export function cpuSeconds(pid: number): number {
  // After the name in brackets, which may hold blanks: state is field 3, utime and stime are 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

export function residentMb(pid: number, what: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const line = new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}

/** From now on VmHWM is the most since now. */
export function resetPeak(pid: number): void {
  // What the kernel's manual has: 5 resets the peak of the resident set.
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
