// Delivery: what is committed before and after, retries, fallback, bounds, deaths at every commit.

import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/clock.ts';
import { FakeExec } from '../../test/support/exec.ts';
import { FakeHttp } from '../../test/support/http.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { FakeMail } from '../../test/support/mail.ts';
import { seededRandom } from '../../test/support/random.ts';
import { MemoryState } from '../../test/support/state.ts';
import { err, ok } from '../base/index.ts';
import {
  type DeliveryOutcome,
  type DeliveryReport,
  type Effects,
  fingerprint,
  labelsFrom,
  labelValue,
  MetricRegistry,
  type NotificationJob,
} from '../model/index.ts';
import { DESTINATION_SENDS_MAX } from './attempt.ts';
import { type Channel, erased, type Message } from './channel.ts';
import { createNotifier, type Notifier } from './notifier.ts';
import { testJob } from './test-message.ts';

const KEPT_MS = 5 * 86_400_000;

type Answer = DeliveryOutcome | 'hang' | 'throw';

/** A channel whose answers the test writes. */
class Script {
  readonly seen: Message[] = [];
  answers: Answer[] = [];
  /** When the answers are used up. */
  otherwise: Answer = { kind: 'sent', answer: '250 ok' };

  readonly channel: Channel<object> = {
    key: 'script_configs',
    name: 'script',
    carriedOut: true,
    schema: { says: 'nothing', read: () => ({}) },
    create: () => ok({ sendResolved: true, send: message => this.#send(message) }),
  };

  /** Receivers whose name is listed fail for good. */
  readonly broken = new Set<string>();

  async #send(message: Message): Promise<DeliveryOutcome> {
    this.seen.push(message);
    if (this.broken.has(message.receiver)) return { kind: 'drop', reason: 'status 404', detail: 'gone' };
    const answer = this.answers.shift() ?? this.otherwise;
    if (answer === 'hang') return new Promise(() => {});
    if (answer === 'throw') throw new Error('a bug');
    return answer;
  }
}

interface Bench {
  readonly clock: FakeClock;
  readonly script: Script;
  readonly state: MemoryState;
  readonly notifier: Notifier;
  readonly reports: DeliveryReport[];
  readonly metrics: MetricRegistry;
}

interface BenchOptions {
  readonly effects?: Effects;
  readonly state?: MemoryState;
  readonly clock?: FakeClock;
  readonly script?: Script;
}

function bench(options: BenchOptions = {}): Bench {
  const clock = options.clock ?? new FakeClock();
  const script = options.script ?? new Script();
  const state = options.state ?? new MemoryState({ clock });
  const reports: DeliveryReport[] = [];
  const metrics = new MetricRegistry();
  const integration = { kind: 'script_configs', index: 0, settings: {} };
  const notifier = createNotifier({
    clock,
    random: seededRandom(1),
    state,
    mail: new FakeMail(clock),
    http: new FakeHttp(clock),
    exec: new FakeExec(clock),
    log: new CollectingLog(),
    metrics,
    effects: options.effects ?? 'live',
    channels: [erased(script.channel)],
    config: {
      receivers: [
        { name: 'ops', channels: [integration], fallback: 'boss' },
        { name: 'boss', channels: [integration] },
        { name: 'lone', channels: [integration] },
      ],
      render: template => ok(template),
      externalUrl: 'http://watchkeeper.test',
      configVersion: 'v1',
      logKeptMs: KEPT_MS,
    },
    report: report => reports.push(report),
  });
  return { clock, script, state, notifier, reports, metrics };
}

function jobOf(clock: FakeClock, part: Partial<NotificationJob> = {}): NotificationJob {
  const base = testJob({ destination: 'ops/script[0]', nowMs: clock.nowMs(), id: 1, externalUrl: '' });
  return { ...base, id: 'job-1', deadlineMs: clock.nowMs() + 300_000, ...part };
}

/** Without the group at the end of a reason: it is the same one in nearly all tests here. */
async function verdicts(state: MemoryState): Promise<readonly string[]> {
  const events = await state.journal({ stage: 'notify', limit: 1000, newestFirst: false });
  return events.ok
    ? events.value.map(event => `${event.verdict}: ${event.reason}`.replace(' (group {}/test:{})', ''))
    : [];
}

const retry = (reason: string, afterMs?: number): DeliveryOutcome => ({
  kind: 'retry',
  reason,
  detail: 'try later',
  ...(afterMs === undefined ? {} : { afterMs }),
});

describe('a delivery', () => {
  it('commits its intent before anything is sent, and outcome, log and reason together', async () => {
    const b = bench();
    b.script.otherwise = 'hang';
    b.notifier.deliver(jobOf(b.clock));
    await settle();
    expect(b.script.seen).toHaveLength(1);
    const open = await b.state.openIntents();
    expect(open.ok && open.value.map(one => one.jobId)).toEqual(['job-1']);
    // Synced, not only grouped: it is in what a loss of power leaves.
    expect(b.state.image.unsynced).toEqual([]);

    const c = bench();
    c.notifier.deliver(jobOf(c.clock));
    await c.clock.advance(1000);
    const log = await c.state.notificationLog();
    const alert = labelsFrom({ alertname: 'WatchkeeperTest', severity: 'none' });
    expect(log.ok && log.value).toMatchObject([
      { receiver: 'ops/script[0]', firing: [fingerprint(alert)], resolved: [] },
    ]);
    expect(c.state.commits).toBe(2);
    expect(await verdicts(c.state)).toEqual(['sent: test message']);
    expect(c.reports).toMatchObject([
      { outcome: { kind: 'sent' }, attempts: 1, deliveredBy: 'ops/script[0]' },
    ]);
  });

  it('closes the deliveries in doubt that it repeats in the commit of its own outcome', async () => {
    const dead = bench();
    dead.script.otherwise = 'hang';
    dead.notifier.deliver(jobOf(dead.clock));
    await settle();
    const state = new MemoryState({ clock: dead.clock }, dead.state.killProcess());

    const b = bench({ state, clock: dead.clock });
    b.notifier.deliver(jobOf(b.clock, { id: 'job-2', possibleRepeat: true, repeats: ['job-1'] }));
    await b.clock.advance(1000);
    const open = await state.openIntents();
    expect(open.ok && open.value).toEqual([]);
    // Its intent, and one commit for all the rest.
    expect(state.commits).toBe(2);
  });

  it('is an event of its own for each group, though the same receiver hears the same words', async () => {
    const b = bench();
    b.notifier.deliver(jobOf(b.clock));
    await b.clock.advance(1000);
    b.notifier.deliver(jobOf(b.clock, { id: 'job-2', groupKey: '{}:{job="other"}' }));
    await b.clock.advance(1000);
    expect(await verdicts(b.state)).toEqual([
      'sent: test message',
      'sent: test message (group {}:{job="other"})',
    ]);
  });

  it('retries with growing waits and honours what the provider asks for', async () => {
    const b = bench();
    b.script.answers = [retry('status 503'), retry('status 429', 40_000), retry('status 503')];
    b.notifier.deliver(jobOf(b.clock));
    await b.clock.advance(30_000);
    expect(b.script.seen).toHaveLength(2);
    await b.clock.advance(60_000);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'sent' }, attempts: 4 }]);
    expect(b.script.seen.some(message => message.job.possibleRepeat)).toBe(false);
  });

  it('marks an attempt after one that may have arrived', async () => {
    const b = bench();
    b.script.answers = [retry('http-timeout')];
    b.notifier.deliver(jobOf(b.clock));
    await b.clock.advance(30_000);
    expect(b.script.seen.map(message => message.job.possibleRepeat)).toEqual([false, true]);
  });

  it('goes to the fallback when refused for good', async () => {
    const b = bench();
    b.script.broken.add('ops');
    b.notifier.deliver(jobOf(b.clock));
    await b.clock.advance(1000);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'sent' }, deliveredBy: 'boss/script[0]' }]);
    const log = await b.state.notificationLog();
    expect(log.ok && log.value.map(entry => entry.receiver)).toEqual(['ops/script[0]']);
    expect(await verdicts(b.state)).toEqual([
      'fallback: ops/script[0] failed: boss takes over',
      'sent: test message, by fallback boss/script[0]',
    ]);
  });

  it('goes to the fallback when the retries ran out', async () => {
    const b = bench();
    b.script.answers = [retry('status 503'), retry('status 503', 3_600_000)];
    b.notifier.deliver(jobOf(b.clock));
    await b.clock.advance(30_000);
    expect(b.reports).toMatchObject([
      { outcome: { kind: 'sent' }, deliveredBy: 'boss/script[0]', attempts: 3 },
    ]);
  });

  it('is reported and counted as undelivered without a fallback', async () => {
    const b = bench();
    b.script.broken.add('lone');
    b.notifier.deliver(jobOf(b.clock, { receiver: 'lone/script[0]' }));
    await b.clock.advance(1000);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'drop', reason: 'status 404' } }]);
    expect(await verdicts(b.state)).toEqual(['undelivered: status 404: gone']);
    const undelivered = b.metrics.families().find(one => one.name.endsWith('_undelivered_total'));
    expect(undelivered?.samples.find(one => labelValue(one.labels, 'receiver') === 'lone')?.value).toBe(1);
    expect(b.notifier.health().find(one => one.receiver === 'lone')).toMatchObject({
      consecutiveFailures: 1,
      lastError: 'status 404: gone',
    });
  });

  it('ends when a newer message about its group comes, without a fallback', async () => {
    const b = bench();
    b.script.answers = [retry('status 503', 60_000)];
    b.notifier.deliver(jobOf(b.clock));
    await b.clock.advance(1000);
    b.notifier.deliver(jobOf(b.clock, { id: 'job-2' }));
    await b.clock.advance(1000);
    expect(b.reports.map(one => [one.job.id, one.outcome.kind])).toEqual([
      ['job-1', 'drop'],
      ['job-2', 'sent'],
    ]);
    const open = await b.state.openIntents();
    expect(open.ok && open.value).toEqual([]);
  });

  it.each(['shadow', 'dry_run'] as const)(
    'sends nothing in %s, and says what it would have',
    async effects => {
      const b = bench({ effects });
      b.notifier.deliver(jobOf(b.clock));
      await b.clock.advance(1000);
      expect(b.script.seen).toEqual([]);
      expect(b.reports).toMatchObject([{ outcome: { kind: 'would_have' } }]);
      expect(await verdicts(b.state)).toEqual(['would_have: test message']);
      expect(await b.notifier.testReceiver('lone')).toMatchObject([{ outcome: { kind: 'would_have' } }]);
      expect(b.script.seen).toEqual([]);
      const log = await b.state.notificationLog();
      expect(log.ok && log.value).toEqual([]);
    },
  );

  it('drops what a channel fails at by a bug, and goes on', async () => {
    const b = bench();
    b.script.answers = ['throw'];
    b.notifier.deliver(jobOf(b.clock, { receiver: 'lone/script[0]' }));
    await b.clock.advance(1000);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'drop', reason: 'channel failed' } }]);
  });

  it('reports a receiver that is not there', async () => {
    const b = bench();
    b.notifier.deliver(jobOf(b.clock, { receiver: 'gone/script[0]' }));
    await b.clock.advance(1000);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'drop', reason: 'no such receiver' } }]);
  });
});

describe('bounds', () => {
  it('leaves a channel that never answers behind after its deadline, and holds nobody else up', async () => {
    const b = bench();
    b.script.answers = new Array<Answer>(DESTINATION_SENDS_MAX).fill('hang');
    for (let i = 0; i < DESTINATION_SENDS_MAX + 2; i++) {
      b.notifier.deliver(jobOf(b.clock, { id: `job-${i}`, groupKey: `g${i}` }));
    }
    b.notifier.deliver(jobOf(b.clock, { id: 'other', receiver: 'lone/script[0]' }));
    await b.clock.advance(1000);
    expect(b.script.seen).toHaveLength(DESTINATION_SENDS_MAX + 1);
    expect(b.reports.map(one => one.job.id)).toEqual(['other']);
    await b.clock.advance(120_000);
    expect(b.reports).toHaveLength(DESTINATION_SENDS_MAX + 3);
    expect(b.reports.every(one => one.outcome.kind === 'sent')).toBe(true);
  });
});

describe('stopping', () => {
  it('leaves the intent of an undelivered message open for the next process', async () => {
    const b = bench();
    b.script.otherwise = retry('status 503');
    b.notifier.deliver(jobOf(b.clock));
    await b.clock.advance(5000);
    const stopped = b.notifier.stop(1000);
    await b.clock.advance(2000);
    await stopped;
    const open = await b.state.openIntents();
    expect(open.ok && open.value).toHaveLength(1);
    expect(b.reports).toEqual([]);
  });
});

describe('a death at every commit', () => {
  it('leaves an open intent for each message that was sent without a committed outcome', async () => {
    let deaths = 0;
    for (let at = 1; at <= 4; at++) {
      for (const when of ['before', 'after'] as const) {
        const clock = new FakeClock();
        const state = new MemoryState({ clock });
        if (when === 'before') state.crashBefore(at);
        else state.crashAfter(at);
        let died = false;
        void state.whenCrashed.then(() => {
          died = true;
        });
        const b = bench({ clock, state });
        b.script.answers = [retry('status 503')];
        b.notifier.deliver(jobOf(clock));
        await clock.advance(60_000);
        if (died) deaths += 1;
        const after = new MemoryState({ clock }, state.killProcess());
        const open = await after.openIntents();
        const log = await after.notificationLog();
        const isOpen = open.ok && open.value.length === 1;
        const isLogged = log.ok && log.value.length === 1;
        const place = `${when} commit ${at}`;
        if (b.script.seen.length > 0)
          expect(isOpen !== isLogged, `${place}: open or told, never both or none`).toBe(true);
        else expect(isLogged, `${place}: nothing sent, nothing told`).toBe(false);
      }
    }
    // Intent, retry event, outcome: each boundary was met, on both sides.
    expect(deaths).toBe(6);
  });
});

describe('a failing state database', () => {
  it('sends without an intent after some tries, marked as a possible repeat', async () => {
    const b = bench();
    await b.state.close();
    b.notifier.deliver(jobOf(b.clock));
    await b.clock.advance(10_000);
    expect(b.script.seen.map(message => message.job.possibleRepeat)).toEqual([true]);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'sent' } }]);
  });
});

describe('the n-th commit fails', () => {
  it.each([1, 2, 3, 4])('and the message still arrives, once, and is told as such (n = %i)', async n => {
    const clock = new FakeClock();
    const state = new MemoryState({ clock });
    const commit = state.commit.bind(state);
    let calls = 0;
    state.commit = (writes, durability) => {
      calls += 1;
      if (calls !== n) return commit(writes, durability);
      return Promise.resolve(err({ code: 'state-io', message: 'disk full' }));
    };
    const b = bench({ clock, state });
    b.script.answers = [retry('status 503')];
    b.notifier.deliver(jobOf(clock));
    await clock.advance(60_000);
    expect(b.script.seen.map(message => message.job.possibleRepeat)).toEqual([false, false]);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'sent' } }]);
    const log = await state.notificationLog();
    const open = await state.openIntents();
    expect([log.ok && log.value.length, open.ok && open.value.length]).toEqual([1, 0]);
    // Intent, retry event, outcome, and the one that failed, unless it was the event, which is let go.
    expect(calls).toBe(n === 2 || n === 4 ? 3 : 4);
  });
});

describe('a test message', () => {
  it("is marked, goes out once to each way out, and returns the provider's own answer", async () => {
    const b = bench();
    const [answer] = await b.notifier.testReceiver('lone');
    expect(answer).toEqual({ destination: 'lone/script[0]', outcome: { kind: 'sent', answer: '250 ok' } });
    expect(b.script.seen[0]?.isTest).toBe(true);
    expect(await b.notifier.testReceiver('nobody')).toEqual([]);
    const log = await b.state.notificationLog();
    expect(log.ok && log.value).toEqual([]);
  });
});
