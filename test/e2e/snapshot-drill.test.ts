// The drill of the guide: a running program with alerts, silences and samples is copied, the copy is restored into another folder
// and started there. It gives the same answers, has the same silences and journal, and tells nobody again without a mark. And kill -9
// while a snapshot is taken, and while one is restored.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type {
  GettableSilenceJson,
  QueryData,
  SnapshotJson,
  StatusJson,
  TimelineEventJson,
} from '../../src/api/index.ts';
import type { Random } from '../../src/base/index.ts';
import { seededRandom } from '../support/random.ts';
import {
  type Folder,
  type HttpSink,
  openHttp,
  type Program,
  pause,
  ROOT,
  runCommand,
  startProgram,
  temporaryFolder,
  until,
} from './support.ts';

const SEED = 20_261_130;
const KILLS = 8;
const TEST_MS_MAX = 180_000;
const PROGRAM = join(ROOT, 'bin', 'watchkeeper');

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

it('a snapshot that is restored elsewhere goes on where the program was', {
  timeout: TEST_MS_MAX,
}, async () => {
  const world = await openWorld();
  const house = await startHouse(world);
  const silenced = await silence(house.program, 'name=quiet');
  for (const name of ['loud', 'quiet']) world.problems.add(name);
  await until('the message about the loud problem', () => world.told('loud').length > 0);
  const before = await memoriesOf(house.program);
  expect(before.silences).toEqual([silenced]);

  const verified = await command(house, ['storage', 'verify', house.data]);
  expect(verified.stdout).toContain('another process has it open');
  expect([verified.code, verified.stdout.includes('error:')]).toEqual([0, false]);
  const taken = await command(house, ['storage', 'snapshot', '--json', '--url', house.program.url]);
  expect([taken.code, taken.stderr]).toEqual([0, '']);
  const { folder: snapshot } = JSON.parse(taken.stdout) as SnapshotJson;
  await house.program.stop();
  const toldBefore = world.messages.length;

  const second = temporaryFolder();
  opened.push(second.remove);
  const data = join(second.path, 'data');
  const restored = await command(house, ['storage', 'restore', snapshot, '--data', data]);
  expect([restored.code, restored.stderr]).toEqual([0, '']);
  expect(readdirSync(data).sort()).toEqual(['config.yml', 'state.db', 'store']);
  expect((await command(house, ['storage', 'verify', data])).code).toBe(0);
  const refused = await command(house, ['storage', 'restore', snapshot, '--data', data]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('restore-not-empty')]);

  // The rules keep their files: what is known of alerts is known by these.
  const there = await startHouse(world, house.folder, data);
  expect(await memoriesOf(there.program, before)).toEqual(before);
  // Long enough for several groups' intervals: whoever does not know what was told would tell it now.
  await until(
    'evaluations of the restored program',
    async () => (await flushesOf(there.program, world)) >= 4,
  );
  const again = world.messages.slice(toldBefore);
  expect(again.filter(one => !one.marked)).toEqual([]);
  expect(again.filter(one => one.problem === 'quiet')).toEqual([]);
  // It works on: a new problem is told once, unmarked.
  world.problems.add('later');
  await until('the message about the later problem', () => world.told('later').length > 0);
  expect(world.told('later').map(one => one.marked)).toEqual([false]);
  expect((await there.program.stop()).code).toBe(0);
});

it(`${KILLS} kills each of a program that takes a snapshot and of a restore leave everything whole or nothing`, {
  timeout: TEST_MS_MAX,
}, async () => {
  const random = seededRandom(SEED);
  const world = await openWorld();
  const folder = temporaryFolder();
  opened.push(folder.remove);
  world.problems.add('loud');
  const snapshots = join(folder.path, 'data', 'snapshots');
  let whole = 0;
  for (let n = 0; n < KILLS; n++) {
    const { program } = await startHouse(world, folder);
    await until(
      'samples',
      async () => (await program.api<QueryData>('/api/v1/query', { query: 'problem' })).result,
    );
    const asked = program.fetch('/api/v1/admin/tsdb/snapshot', { method: 'POST' }).catch(() => undefined);
    await pause(momentOf(n, random));
    await program.kill();
    await asked;
    for (const name of namesIn(snapshots).filter(one => !one.endsWith('.new'))) {
      const to = join(folder.path, `restored-${n}-${name}`);
      const restored = await runCommand(['storage', 'restore', join(snapshots, name), '--data', to]);
      expect([restored.code, restored.stderr]).toEqual([0, '']);
      whole++;
    }
  }
  const { program } = await startHouse(world, folder);
  const taken = await runCommand(['storage', 'snapshot', '--url', program.url]);
  expect(taken.code).toBe(0);
  expect(namesIn(snapshots).filter(one => one.endsWith('.new'))).toEqual([]);
  await program.stop();

  const snapshot = taken.stdout.trim();
  const to = join(folder.path, 'elsewhere');
  let cut = 0;
  for (let n = 0; n < KILLS; n++) {
    const child = spawn(process.execPath, [PROGRAM, 'storage', 'restore', snapshot, '--data', to], {
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>(resolve => child.on('close', resolve));
    await pause(momentOf(n, random));
    child.kill('SIGKILL');
    if ((await ended) === null) cut++;
    if (!existsSync(to)) continue;
    expect((await runCommand(['storage', 'verify', to])).code).toBe(0);
    break;
  }
  if (!existsSync(to))
    expect((await runCommand(['storage', 'restore', snapshot, '--data', to])).code).toBe(0);
  expect(readdirSync(to).sort()).toEqual(['config.yml', 'state.db', 'store']);
  expect((await runCommand(['storage', 'verify', to])).code).toBe(0);
  console.log(`snapshot drill: seed ${SEED}, ${whole} whole snapshots after kills, ${cut} restores cut off`);
});

/** Early ones and late ones, on a fast machine and on a slow one. */
function momentOf(n: number, random: Random): number {
  return ((n + random.float()) / KILLS) ** 2 * 1600;
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

// --- the world around the program ------------------------------------------------------------------

interface Message {
  readonly problem: string;
  readonly marked: boolean;
}

interface World {
  readonly page: HttpSink;
  readonly receiver: HttpSink;
  readonly problems: Set<string>;
  readonly messages: readonly Message[];
  told(problem: string): readonly Message[];
}

async function openWorld(): Promise<World> {
  const problems = new Set<string>();
  const messages: Message[] = [];
  const page = await openHttp(() => ({
    type: 'text/plain; version=0.0.4',
    body: `${[...problems].map(name => `problem{name="${name}"} 1\n`).join('')}steady 1\n`,
  }));
  const receiver = await openHttp(request => {
    const body = JSON.parse(request.body) as { groupLabels: { name?: string } };
    const marked = request.headers['x-watchkeeper-possible-repeat'] === 'true';
    messages.push({ problem: body.groupLabels.name ?? '', marked });
    return { body: 'thank you' };
  });
  opened.push(page.close, receiver.close);
  return { page, receiver, problems, messages, told: name => messages.filter(one => one.problem === name) };
}

interface House {
  readonly folder: Folder;
  readonly data: string;
  readonly program: Program;
}

async function startHouse(world: World, given?: Folder, otherData?: string): Promise<House> {
  const folder = given ?? temporaryFolder();
  if (given === undefined) opened.push(folder.remove);
  const config = folder.write('watchkeeper.yml', configOf(world));
  folder.write('drill.rules.yml', RULES);
  const data = otherData ?? join(folder.path, 'data');
  const program = await startProgram({ folder, args: ['--config', config, '--data', data] });
  opened.push(program.kill);
  return { folder, data, program };
}

function command({ folder }: House, args: readonly string[]) {
  return runCommand(args, { cwd: folder.path });
}

function configOf(world: World): string {
  return `global: { scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }
host: { enabled: false }
web: { admin_api: true }
no_data_default: unknown
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${world.page.port}'] }]
rule_files: [drill.rules.yml]
route:
  receiver: hook
  group_by: [name]
  group_wait: 50ms
  group_interval: 500ms
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs: [{ url: '${world.receiver.url}/hook' }]
`;
}

const RULES = `groups:
  - name: drill
    rules:
      - record: problems
        expr: count(problem)
      - alert: Problem
        expr: problem > 0
`;

async function silence(program: Program, matcher: string): Promise<string> {
  const ended = await runCommand([
    ...['silence', 'add', matcher, '--duration', '1h', '--author', 'drill', '--comment', 'a drill'],
    ...['--url', program.url],
  ]);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  return ended.stdout.trim();
}

/** What a program knows: answers over a span that is past, ids of silences, the first events of the journal. */
interface Memories {
  readonly endS: number;
  readonly answers: unknown;
  readonly silences: readonly string[];
  readonly events: readonly unknown[];
}

async function memoriesOf(program: Program, as?: Memories): Promise<Memories> {
  const now = await program.api<QueryData>('/api/v1/query', { query: 'time()' });
  // Samples up to a second ago are all there.
  const endS = as?.endS ?? Math.floor(Number(now.result[1])) - 1;
  const range = { start: String(endS - 60), end: String(endS), step: '1' };
  const answers = await Promise.all(
    ['problem', 'problems', 'count_over_time(steady[10s])'].map(query =>
      program.api<QueryData>('/api/v1/query_range', { query, ...range }),
    ),
  );
  const silences = (await (await program.fetch('/api/v2/silences')).json()) as readonly GettableSilenceJson[];
  const timeline = await program.api<readonly TimelineEventJson[]>('/api/watchkeeper/v1/timeline', {
    limit: '500',
  });
  const events = timeline
    .filter(event => event.atMs < endS * 1000)
    .map(({ atMs, stage, verdict, subject }) => ({ atMs, stage, verdict, subject }));
  return { endS, answers, silences: silences.map(one => one.id), events };
}

/** How many intervals of a group have gone by since the first evaluation that this process made. */
async function flushesOf(program: Program, world: World): Promise<number> {
  const alerts = await program.api<{ readonly alerts: readonly unknown[] }>('/api/v1/alerts');
  if (alerts.alerts.length < world.problems.size) return 0;
  const { startedAtMs, nowMs } = await program.api<StatusJson>('/api/watchkeeper/v1/status');
  return Math.floor((nowMs - startedAtMs) / 500);
}
