// Keeps the compiled code of the built program beside it, for bin/built.cjs: of what a start runs, since the rest is compiled when it
// is needed. So a start is made here, over data that an earlier one has left.
//   node tools/keep-code.mjs            (tools/prepare.mjs does)
// Whatever fails here costs no more than the time of each start, and is said.

import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import built from '../bin/built.cjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = join(root, 'bin', 'watchkeeper');
const main = join(root, 'dist', 'cli', 'main.cjs');
const stateThread = join(root, 'dist', 'state', 'worker.cjs');
/** Long enough for some samples, alerts of rules and rows of the state. */
const FIRST_RUN_MS = 4000;
const LIMIT_MS = 60_000;

const [what, folder] = process.argv.slice(2);
if (what === 'main') await keepMain(folder);
else if (what === 'state') keepState(folder);
else if (!(await keepAll()))
  process.stderr.write('watchkeeper: the compiled code could not be kept: starts take longer\n');

async function keepAll() {
  const made = mkdtempSync(join(tmpdir(), 'watchkeeper-code-'));
  try {
    writeFileSync(join(made, 'watchkeeper.yml'), 'host: { interval: 1s }\n');
    const first = spawn(process.execPath, [program, ...argsIn(made)], { stdio: 'ignore' });
    const ended = once(first, 'exit');
    await new Promise(resolve => setTimeout(resolve, FIRST_RUN_MS));
    first.kill('SIGKILL');
    await ended;
    return [
      ['main', main],
      ['state', stateThread],
    ].every(([name, path]) => keptBy(name, made) && isKept(path));
  } finally {
    rmSync(made, { recursive: true, force: true, maxRetries: 5 });
  }
}

function argsIn(made) {
  const config = ['--config', join(made, 'watchkeeper.yml'), '--data', join(made, 'data')];
  return ['run', ...config, '--listen', '127.0.0.1:0', '--log-level', 'error'];
}

function keptBy(name, made) {
  const args = ['--no-flush-bytecode', fileURLToPath(import.meta.url), name, made];
  return (
    spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: LIMIT_MS })
      .status === 0
  );
}

/** In a process with the flags that the program has. */
function isKept(path) {
  const script = `process.exit(require(${JSON.stringify(join(root, 'bin', 'built.cjs'))}).compile(${JSON.stringify(path)}).isKept ? 0 : 1)`;
  return spawnSync(process.execPath, ['--input-type=commonjs', '-e', script]).status === 0;
}

/** Runs the program until it is ready. */
async function keepMain(made) {
  const compiled = built.compile(main);
  process.argv.splice(1, process.argv.length, program, ...argsIn(made));
  const url = new Promise(resolve => {
    process.stdout.write = text => {
      const found = /page +(http:\S+)/.exec(String(text))?.[1];
      if (found !== undefined) resolve(found);
      return true;
    };
  });
  built.run(main, compiled);
  const [answer] = await once(get(`${await url}/-/ready`), 'response');
  keep(main, compiled);
  process.exit(answer.statusCode === 200 ? 0 : 1);
}

/** What the thread of the state runs, with another end in place of the program's: opens the database and is asked what a start asks. */
function keepState(made) {
  const compiled = built.compile(stateThread);
  const parentPort = Object.assign(new EventEmitter(), { postMessage: () => {} });
  const workerData = { path: join(made, 'data', 'state.db'), journalEventsMax: 1000 };
  const require = createRequire(stateThread);
  const load = name =>
    name.endsWith('worker_threads') ? { ...require(name), parentPort, workerData } : require(name);
  built.run(stateThread, compiled, load);
  const reads = [
    ['notificationLog'],
    ['openIntents'],
    ['recoveryRuns', { unfinishedOnly: true, limit: 100 }],
    ['recoveryRuns', { unfinishedOnly: false, limit: 100 }],
    ['ruleAlerts'],
    ['setting', 'none'],
  ];
  for (const [read, ask] of reads) parentPort.emit('message', { kind: 'read', id: 1, read, ask });
  const expire = { kind: 'expire', nowMs: Date.now(), journalBeforeMs: 0 };
  parentPort.emit('message', { kind: 'commit', id: 1, group: [[expire]] });
  keep(stateThread, compiled);
  parentPort.emit('message', { kind: 'close', id: 2 });
  process.exit(0);
}

function keep(path, { source, script }) {
  // Code fits where all flags are as they were: those that the program sets as it goes are set back.
  for (const flag of ['--semi-space-growth-factor=2', '--heap-growing-percent=0', '--flush-bytecode'])
    setFlagsFromString(flag);
  const code = script.createCachedData();
  writeFileSync(`${path}.kept.new`, Buffer.concat([Buffer.from(built.headOf(source, code), 'latin1'), code]));
  renameSync(`${path}.kept.new`, `${path}.kept`);
}
