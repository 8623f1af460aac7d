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
const FIRST_RUN_MS = 2500;
const LIMIT_MS = 60_000;
/** Flags of Node that the build was given are not those of the program. */
const env = { ...process.env, NODE_OPTIONS: '' };

/** Flags that the program sets as it goes, and what this process was started with, as V8 has them. */
const DEFAULT_FLAGS = ['--semi-space-growth-factor=2', '--heap-growing-percent=0', '--flush-bytecode'];

const [what, folder] = process.argv.slice(2);
if (what === 'main') await keepMain(folder);
else if (what === 'state') keepState(folder);
else if (!(await keepAll()))
  process.stderr.write('watchkeeper: the compiled code could not be kept: starts take longer\n');

async function keepAll() {
  const made = mkdtempSync(join(tmpdir(), 'watchkeeper-code-'));
  try {
    writeFileSync(join(made, 'watchkeeper.yml'), 'host: { interval: 1s }\nweb: { admin_api: true }\n');
    await firstRun(made);
    return [
      ['main', main],
      ['state', stateThread],
    ].every(([name, path]) => keptBy(name, made) && isKept(path));
  } finally {
    rmSync(made, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Leaves all kinds of files: a log, sealed samples, a block, a state. */
async function firstRun(made) {
  const child = spawn(process.execPath, [program, ...argsIn(made)], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const ended = once(child, 'exit');
  const url = new Promise(resolve => {
    child.stdout.on('data', text => resolve(urlIn(text)));
    child.once('exit', () => resolve(undefined));
  });
  const at = await url;
  await pause(FIRST_RUN_MS);
  // A refusal only means that less is found by the next start.
  if (at !== undefined) await fetch(`${at}/api/v1/admin/tsdb/snapshot`, { method: 'POST' }).catch(() => {});
  await pause(FIRST_RUN_MS);
  child.kill('SIGKILL');
  await ended;
  clearTimeout(limit);
}

function urlIn(text) {
  return /page +(http:\S+)/.exec(String(text))?.[1];
}

function pause(ms) {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function argsIn(made) {
  const config = ['--config', join(made, 'watchkeeper.yml'), '--data', join(made, 'data')];
  return ['run', ...config, '--listen', '127.0.0.1:0', '--log-level', 'error'];
}

function keptBy(...args) {
  const node = ['--no-flush-bytecode', fileURLToPath(import.meta.url), ...args];
  return (
    spawnSync(process.execPath, node, { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: LIMIT_MS })
      .status === 0
  );
}

function isKept(path) {
  const [loader, file] = [join(root, 'bin', 'built.cjs'), path].map(one => JSON.stringify(one));
  const script = `process.exit(require(${loader}).compile(${file}).isKept ? 0 : 1)`;
  return spawnSync(process.execPath, ['--input-type=commonjs', '-e', script], { env }).status === 0;
}

/** Runs the program until it is ready. */
async function keepMain(made) {
  const compiled = built.compile(main);
  process.argv.splice(1, process.argv.length, program, ...argsIn(made));
  const url = new Promise(resolve => {
    process.stdout.write = text => {
      const found = urlIn(text);
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
  const settings = { path: join(made, 'data', 'state.db'), journalEventsMax: 1000 };
  const require = createRequire(stateThread);
  const load = name => (name.endsWith('worker_threads') ? { ...require(name), parentPort } : require(name));
  built.run(stateThread, compiled, load);
  const reads = [
    ['notificationLog'],
    ['openIntents'],
    ['recoveryRuns', { unfinishedOnly: true, limit: 100 }],
    ['recoveryRuns', { unfinishedOnly: false, limit: 100 }],
    ['ruleAlerts'],
    ['setting', 'none'],
  ];
  parentPort.emit('message', { kind: 'open', settings });
  for (const [read, ask] of reads) parentPort.emit('message', { kind: 'read', id: 1, read, ask });
  const expire = ['expire', Date.now(), 0];
  parentPort.emit('message', { kind: 'commit', id: 1, group: [expire] });
  keep(stateThread, compiled);
  parentPort.emit('message', { kind: 'close', id: 2 });
  process.exit(0);
}

/** Code fits where all flags are as they were when it was kept. */
function keep(path, { source, script }) {
  for (const flag of DEFAULT_FLAGS) setFlagsFromString(flag);
  const code = script.createCachedData();
  const bytes = Buffer.concat([Buffer.from(built.headOf(source, code), 'latin1'), code]);
  writeFileSync(`${path}.kept.new`, bytes);
  renameSync(`${path}.kept.new`, `${path}.kept`);
}
