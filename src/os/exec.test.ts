// Commands through real helper processes: groups that are killed whole, helpers that die, parents that die.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Compiled, compileSources } from '../../test/support/compiled.ts';
import { execContract } from '../../test/support/contracts/exec.ts';
import type { ExecRequest } from '../base/index.ts';
import { type ExecPool, type ExecPoolSettings, execPool } from './index.ts';

const pass = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
const NODE_SCRIPT = `const w = JSON.parse(process.argv[1]);
process.stdout.write(w.stdout ?? '', () => process.stderr.write(w.stderr ?? '', () => {
  if (w.endless) setInterval(() => {}, 1000); else process.exitCode = w.exitCode ?? 0;
}));`;

execContract('real', async () => {
  const exec = execPool();
  return {
    exec,
    argv: wanted => [process.execPath, '-e', NODE_SCRIPT, JSON.stringify(wanted)],
    pass,
    close: async () => exec.close(),
  };
});

const pools: ExecPool[] = [];
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

function newPool(settings?: ExecPoolSettings): ExecPool {
  const pool = execPool(settings);
  pools.push(pool);
  return pool;
}

function sh(script: string, change: Partial<ExecRequest> = {}): ExecRequest {
  return {
    argv: ['/bin/sh', '-c', script],
    env: {},
    timeoutMs: 10_000,
    killGraceMs: 100,
    outputBytesMax: 10_000,
    ...change,
  };
}

async function output(pool: ExecPool, request: ExecRequest): Promise<string> {
  const result = await pool.run(request);
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return new TextDecoder().decode(result.value.stdout);
}

/** A zombie whose parent has not fetched it yet counts as dead. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}

async function dies(pid: number): Promise<boolean> {
  for (let i = 0; i < 100 && isAlive(pid); i++) await pass(20);
  return !isAlive(pid);
}

describe('a command', () => {
  it('gets its environment, folder and input, and nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-exec-'));
    try {
      const pool = newPool();
      const env = await output(pool, { ...sh(''), argv: ['/usr/bin/env'], env: { A: '1', B: 'x y' } });
      expect(env.trim().split('\n').sort()).toEqual(['A=1', 'B=x y']);
      expect(await output(pool, sh('pwd', { cwd: folder }))).toBe(`${folder}\n`);
      const stdin = Buffer.from([0, 255, 10, 65]);
      const result = await pool.run({ ...sh(''), argv: ['/bin/cat'], stdin });
      expect(result.ok && Buffer.from(result.value.stdout).equals(stdin)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('never meets a shell that it did not name', async () => {
    const argv = ['/bin/echo', '$(id)', '; rm -rf /', '`x`', '*'] as const;
    expect(await output(newPool(), { ...sh(''), argv })).toBe('$(id) ; rm -rf / `x` *\n');
  });

  it('that may not be executed is exec-denied', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-exec-'));
    try {
      writeFileSync(join(folder, 'plain'), 'no program', { mode: 0o644 });
      const result = await newPool().run({ ...sh(''), argv: [join(folder, 'plain')] });
      expect(result).toMatchObject({ ok: false, error: { code: 'exec-denied' } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that ignores SIGTERM is killed after the grace, with all it has started', async () => {
    const script = `trap '' TERM; sh -c 'trap "" TERM; echo $$; while :; do sleep 0.05; done' & echo $$; wait`;
    const result = await newPool().run(sh(script, { timeoutMs: 200, killGraceMs: 150 }));
    if (!result.ok) throw new Error(result.error.message);
    expect(result.value).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
    const pids = new TextDecoder().decode(result.value.stdout).trim().split('\n').map(Number);
    expect(pids).toHaveLength(2);
    for (const pid of pids) expect(await dies(pid)).toBe(true);
  });

  it('that ends at SIGTERM may say so', async () => {
    const script = `trap 'echo bye; exit 7' TERM; echo hi; while :; do sleep 0.05; done`;
    const result = await newPool().run(sh(script, { timeoutMs: 200, killGraceMs: 2000 }));
    if (!result.ok) throw new Error(result.error.message);
    expect(result.value).toMatchObject({ timedOut: true, exitCode: 7 });
    expect(new TextDecoder().decode(result.value.stdout)).toBe('hi\nbye\n');
  });

  it('is answered although a service that it started keeps its output open', async () => {
    const result = await newPool().run(sh('sleep 30 & echo $!', { killGraceMs: 100 }));
    if (!result.ok) throw new Error(result.error.message);
    expect(result.value.exitCode).toBe(0);
    const pid = Number(new TextDecoder().decode(result.value.stdout));
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });
});

/** Counts the helpers that this process starts from now on; those of other tests may be ending still. */
function countHelpers(): () => number {
  const before = new Set(helperPids());
  return () => helperPids().filter(pid => !before.has(pid)).length;
}

function helperPids(): readonly string[] {
  const tasks = readdirSync('/proc/self/task');
  const children = tasks.flatMap(task => readOr(`/proc/self/task/${task}/children`).split(' '));
  return children.filter(pid => pid !== '' && readOr(`/proc/${pid}/cmdline`).includes('helperMain'));
}

/** A child may end while it is looked at. */
function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe('the pool', () => {
  it('starts its helpers when it is told, or with the first command, and only once', async () => {
    const started = countHelpers();
    const pool = newPool();
    expect(started()).toBe(0);
    pool.prepare();
    expect(started()).toBe(2);
    // At once: the command waits for a helper that is still starting.
    expect(await output(pool, sh('echo hi'))).toBe('hi\n');
    const other = newPool({ helpers: 1 });
    expect(await output(other, sh('echo hi'))).toBe('hi\n');
    other.prepare();
    expect(started()).toBe(3);
  });

  it('starts none after it was closed', async () => {
    const started = countHelpers();
    const pool = newPool();
    pool.close();
    pool.prepare();
    expect(await pool.run(sh('true'))).toMatchObject({ ok: false, error: { code: 'exec-failed' } });
    expect(started()).toBe(0);
  });

  it('refuses what goes beyond its backlog', async () => {
    const pool = newPool({ commandsMax: 2 });
    const running = [pool.run(sh('sleep 0.2')), pool.run(sh('sleep 0.2'))];
    expect(await pool.run(sh('true'))).toMatchObject({ ok: false, error: { code: 'exec-failed' } });
    for (const result of await Promise.all(running)) expect(result.ok).toBe(true);
    expect((await pool.run(sh('true'))).ok).toBe(true);
  });

  it('answers exec-failed for what ran in a helper that died, and goes on with another', async () => {
    const pool = newPool({ helpers: 1 });
    const helper = Number(await output(pool, sh('echo $PPID')));
    const pending = pool.run(sh('sleep 5'));
    await pass(100);
    process.kill(helper, 'SIGKILL');
    expect(await pending).toMatchObject({ ok: false, error: { code: 'exec-failed' } });
    const next = Number(await output(pool, sh('echo $PPID')));
    expect(next).not.toBe(helper);
  });

  it('kills what runs when it closes', async () => {
    const pool = newPool({ helpers: 1 });
    const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-exec-'));
    const pidFile = join(folder, 'pid');
    void pool.run(sh(`echo $$ > ${pidFile}; sleep 30`));
    while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await pass(20);
    pool.close();
    expect(await dies(Number(readFileSync(pidFile, 'utf8')))).toBe(true);
    rmSync(folder, { recursive: true });
    expect(await pool.run(sh('true'))).toMatchObject({ ok: false, error: { code: 'exec-failed' } });
  });
});

describe('the built helper', () => {
  let compiled: Compiled | undefined;
  afterAll(() => compiled?.remove());

  it('dies with a parent that was killed, and takes its commands along', async () => {
    compiled = compileSources(['os/index.ts']);
    const script = join(compiled.folder, 'parent.mjs');
    writeFileSync(script, PARENT);
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>(resolve =>
      child.stdout.once('data', data => resolve(String(data))),
    );
    const [helper, command] = line.trim().split(' ').map(Number) as [number, number];
    expect(isAlive(helper) && isAlive(command)).toBe(true);
    child.kill('SIGKILL');
    expect(await dies(helper)).toBe(true);
    expect(await dies(command)).toBe(true);
  });
});

const PARENT = `
import { execPool } from './os/index.js';
const pool = execPool({ helpers: 1 });
const base = { env: {}, timeoutMs: 60000, killGraceMs: 100, outputBytesMax: 1000 };
const first = await pool.run({ ...base, argv: ['/bin/sh', '-c', 'echo $PPID'] });
const helper = Buffer.from(first.value.stdout).toString().trim();
const pidFile = process.argv[1] + '.pid';
pool.run({ ...base, argv: ['/bin/sh', '-c', 'echo $$ > ' + pidFile + '; sleep 50'] });
const { readFileSync } = await import('node:fs');
const timer = setInterval(() => {
  let pid = '';
  try { pid = readFileSync(pidFile, 'utf8').trim(); } catch {}
  if (pid !== '') { clearInterval(timer); console.log(helper, pid); }
}, 20);
`;
