// The real program is killed with SIGKILL twenty times, at random moments: while it starts, while it takes samples in,
// while it tells of alerts. Afterwards every sample that it ever showed is there with the value that was served, every
// alert reached the receiver, and one that was told again was in doubt at a kill and says so.

import { afterEach, expect, it } from 'vitest';
import type { OwnAlertJson, QueryData, TimelineEventJson } from '../../src/api/index.ts';
import { seededRandom } from '../support/random.ts';
import {
  type HttpSink,
  openHttp,
  type Program,
  pause,
  startAndKill,
  startProgram,
  temporaryFolder,
  until,
} from './support.ts';

const SEED = 20_260_301;
const ROUNDS = 20;
/** Each round lives so long after it is ready; some are killed while they start. */
const LIFE_MS_MAX = 1100;
const ANSWER_MS_MAX = 250;
const TEST_MS_MAX = 120_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

it(`after ${ROUNDS} kills every shown sample is there and no alert is lost or told again without doubt`, {
  timeout: TEST_MS_MAX,
}, async () => {
  const random = seededRandom(SEED);
  const below = (max: number): number => Math.floor(random.float() * max);
  const folder = temporaryFolder();
  opened.push(folder.remove);
  const world = await openWorld(() => below(ANSWER_MS_MAX));
  const config = folder.write('watchkeeper.yml', configOf(world));
  folder.write('kill.rules.yml', RULES);
  const options = { folder, args: ['--config', config] };
  const start = () => startProgram(options);
  const shown = new Map<string, string>();
  let killedAtStart = 0;

  for (let round = 0; round < ROUNDS; round++) {
    // A start that is cut off leaves the folder as it may be after a crash in the middle of recovery.
    if (round % 5 === 4) {
      killedAtStart += 1;
      await startAndKill(options, below(600));
      continue;
    }
    const program = await start();
    const lifeMs = 100 + below(LIFE_MS_MAX);
    const beforeMs = below(lifeMs);
    await pause(beforeMs);
    world.problems.add(`round-${round}`);
    await pause(lifeMs - beforeMs);
    await expectStillShown(program, shown);
    await program.kill();
  }

  const last = await start();
  opened.push(last.kill);
  await expectStillShown(last, shown);
  checkValues(shown, world);
  await until(
    'a message about every problem',
    () => [...world.problems].every(name => world.told('firing', name).length > 0),
    {
      withinMs: 20_000,
      seen: () => [...world.problems].filter(name => world.told('firing', name).length === 0),
    },
  );
  const doubtful = await checkTold(last, world);

  // A process knows that a series has gone only if it saw it before; what went while it was dead lasts for the lookback.
  const servedBefore = world.served.size;
  await until('a page that this process read', async () => {
    const data = await last.api<QueryData>('/api/v1/query', { query: 'served_total' });
    return data.resultType === 'vector' && Number(data.result[0]?.value?.[1]) > servedBefore;
  });
  const known = [...world.problems];
  world.problems.clear();
  await until(
    'the end of every problem',
    () => known.every(name => world.told('resolved', name).length > 0),
    {
      withinMs: 20_000,
      seen: async () => ({
        untold: known.filter(name => world.told('resolved', name).length === 0),
        alerts: (await ownAlerts(last)).map(
          alert => `${alert.labels['name']} ${alert.state}: ${alert.reason}`,
        ),
        targets: await last.api<unknown>('/api/v1/targets'),
        log: last.output().slice(-2000),
      }),
    },
  );
  expect(shown.size).toBeGreaterThan(ROUNDS);
  console.log(
    `kill loop: seed ${SEED}, ${ROUNDS} kills (${killedAtStart} while starting), ${shown.size} samples shown and found again, ` +
      `${known.length} alerts told, ${doubtful} of them twice and marked`,
  );
  expect((await last.stop()).code).toBe(0);
});

// --- the world around the program ------------------------------------------------------------------

interface Told {
  readonly status: string;
  readonly problem: string;
  readonly marked: boolean;
}

interface World {
  readonly page: HttpSink;
  readonly receiver: HttpSink;
  /** What the page says is wrong at the moment. */
  readonly problems: Set<string>;
  /** Every value that the page's counter was served with. */
  readonly served: Set<string>;
  told(status: string, problem: string): readonly Told[];
}

async function openWorld(answerMs: () => number): Promise<World> {
  const problems = new Set<string>();
  const served = new Set<string>();
  const told: Told[] = [];
  let count = 0;
  const page = await openHttp(() => {
    count += 1;
    served.add(String(count));
    const lines = [...problems].map(name => `problem{name="${name}"} 1`);
    return { type: 'text/plain; version=0.0.4', body: `served_total ${count}\n${lines.join('\n')}\n` };
  });
  const receiver = await openHttp(request => {
    const body = JSON.parse(request.body) as { status: string; groupLabels: { name?: string } };
    const marked = request.headers['x-watchkeeper-possible-repeat'] === 'true';
    told.push({ status: body.status, problem: body.groupLabels.name ?? '', marked });
    // The answer takes its time, so that some kills fall between the message and its outcome.
    return { body: 'thank you', afterMs: answerMs() };
  });
  opened.push(page.close, receiver.close);
  return {
    page,
    receiver,
    problems,
    served,
    told: (status, problem) => told.filter(one => one.status === status && one.problem === problem),
  };
}

/** A scrape that comes too late on a busy machine must not end an alert: missing data is unknown. */
function configOf(world: World): string {
  return `global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  evaluation_interval: 200ms
host: { enabled: false }
no_data_default: unknown
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${world.page.port}'] }]
rule_files: [kill.rules.yml]
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
  - name: kill
    rules:
      - alert: Problem
        expr: problem > 0
`;

// --- what must hold --------------------------------------------------------------------------------

/** Asks for all samples; what was seen before must still be there, and what is new is remembered. */
async function expectStillShown(program: Program, shown: Map<string, string>): Promise<void> {
  const data = await program.api<QueryData>('/api/v1/query', { query: 'served_total[10m]' });
  if (data.resultType !== 'matrix') throw new Error(`a matrix expected, got ${data.resultType}`);
  const now = new Map(
    data.result.flatMap(row => (row.values ?? []).map(([atS, value]) => [String(atS), value] as const)),
  );
  for (const [at, value] of shown) expect(now.get(at), `the sample shown before at ${at}`).toBe(value);
  for (const [at, value] of now) shown.set(at, value);
}

function checkValues(shown: ReadonlyMap<string, string>, world: World): void {
  const values = [...shown.values()];
  for (const value of values) expect(world.served.has(value), `${value} was served`).toBe(true);
  expect(new Set(values).size, 'no sample came twice').toBe(values.length);
}

/**
 * The outcome of a delivery is journaled once: a second journaled delivery would be a message that was repeated although
 * its outcome was known. And of several messages about one problem all but one are marked.
 */
async function checkTold(program: Program, world: World): Promise<number> {
  const alerts = await program.api<{ readonly alerts: readonly { labels: { name: string } }[] }>(
    '/api/v1/alerts',
  );
  expect(new Set(alerts.alerts.map(alert => alert.labels.name))).toEqual(world.problems);
  let doubtful = 0;
  for (const name of world.problems) {
    expect(world.told('resolved', name), `nobody was told that ${name} ended`).toEqual([]);
    const sent = await until(
      `the journaled delivery about ${name}`,
      async () => {
        const events = await deliveriesAbout(program, name);
        return events.length > 0 ? events : undefined;
      },
      { withinMs: 10_000 },
    );
    expect(
      sent.reduce((sum, event) => sum + 1 + event.repeats, 0),
      `journaled deliveries about ${name}`,
    ).toBe(1);
    const messages = world.told('firing', name);
    const unmarked = messages.filter(one => !one.marked).length;
    expect(
      unmarked,
      `messages about ${name} without a mark: ${JSON.stringify(messages)}`,
    ).toBeLessThanOrEqual(1);
    if (messages.length > 1) doubtful += 1;
  }
  return doubtful;
}

async function deliveriesAbout(program: Program, name: string): Promise<TimelineEventJson[]> {
  const events = await program.api<TimelineEventJson[]>('/api/watchkeeper/v1/timeline', {
    alert: await fingerprintOf(program, name),
    limit: '500',
  });
  return events.filter(
    event => event.stage === 'notify' && event.verdict === 'sent' && event.evidence['status'] === 'firing',
  );
}

const fingerprints = new WeakMap<Program, Map<string, string>>();

async function fingerprintOf(program: Program, name: string): Promise<string> {
  const known = fingerprints.get(program) ?? new Map<string, string>();
  fingerprints.set(program, known);
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  const alerts = await ownAlerts(program);
  for (const alert of alerts) known.set(alert.labels['name'] ?? '', alert.fingerprint);
  const found = known.get(name);
  if (found === undefined) throw new Error(`No alert is known about ${name}`);
  return found;
}

/** The first event of the live stream holds all alerts with their fingerprints. */
async function ownAlerts(program: Program): Promise<readonly OwnAlertJson[]> {
  const stop = new AbortController();
  const response = await program.fetch('/api/watchkeeper/v1/live', { signal: stop.signal });
  const reader = response.body?.getReader();
  let text = '';
  while (reader !== undefined && !text.includes('\n\n')) {
    const { value, done } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  stop.abort();
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? '{}';
  return (JSON.parse(data) as { readonly alerts?: readonly OwnAlertJson[] }).alerts ?? [];
}
