// Delivery by the real channels: kinds that are not carried out, fallbacks, the message of a group that is changed; with a
// death before and after every commit, and every commit failing once.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeExec } from '../../test/support/exec.ts';
import { FakeHttp } from '../../test/support/http.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { FakeMail } from '../../test/support/mail.ts';
import { seededRandom } from '../../test/support/random.ts';
import { MemoryState } from '../../test/support/state.ts';
import { err } from '../base/index.ts';
import { type DeliveryReport, labelValue, MetricRegistry, type NotificationJob } from '../model/index.ts';
import { channels } from './channels.ts';
import { createNotifier } from './notifier.ts';
import type { ReceiverSpec } from './receivers.ts';
import { createRender } from './render.ts';
import { alert, jobOf, read } from './testdata/kit.ts';

const HOOK = 'http://hook.test/';
const POST = 'https://slack.com/api/chat.postMessage';
const UPDATE = 'https://slack.com/api/chat.update';

function integration(kind: string, yaml: string): ReceiverSpec['channels'][number] {
  const { value, says } = read(kind, yaml);
  if (value === undefined) throw new Error(says.join('\n'));
  return { kind, index: 0, settings: value };
}

const RECEIVERS: readonly ReceiverSpec[] = [
  // Settings of a kind that no channel reads: whatever config made of them.
  {
    name: 'ops',
    channels: [{ kind: 'pagerduty_configs', index: 0, settings: { routing_key: 'k' } }],
    fallback: 'chat',
  },
  { name: 'lone', channels: [{ kind: 'sns_configs', index: 0, settings: {} }] },
  { name: 'chat', channels: [integration('webhook_configs', `url: ${HOOK}`)] },
  {
    name: 'slack',
    channels: [integration('slack_configs', "app_token: t\nchannel: '#ops'\nupdate_message: true")],
  },
];

function bench(
  part: { readonly clock?: FakeClock; readonly state?: MemoryState; readonly http?: FakeHttp } = {},
) {
  const clock = part.clock ?? new FakeClock();
  const state = part.state ?? new MemoryState({ clock });
  const http = part.http ?? new FakeHttp(clock);
  if (part.http === undefined) {
    http.on(HOOK, { body: 'ok' });
    const said = {
      headers: { 'content-type': 'application/json' },
      body: '{"ok":true,"ts":"7.1","channel":"C7"}',
    };
    http.on(POST, said).on(UPDATE, said);
  }
  const render = createRender({ clock, files: [] });
  if (!render.ok) throw new Error(render.error.message);
  const reports: DeliveryReport[] = [];
  const metrics = new MetricRegistry();
  const notifier = createNotifier({
    clock,
    random: seededRandom(1),
    state,
    mail: new FakeMail(clock),
    http,
    exec: new FakeExec(clock),
    log: new CollectingLog(),
    metrics,
    effects: 'live',
    channels,
    config: {
      receivers: RECEIVERS,
      render: render.value,
      externalUrl: '',
      configVersion: 'v1',
      logKeptMs: 86_400_000,
    },
    report: report => reports.push(report),
  });
  const jobFor = (receiver: string, more: Partial<NotificationJob> = {}): NotificationJob =>
    jobOf({ receiver, deadlineMs: clock.nowMs() + 300_000, ...more });
  return { clock, state, http, notifier, reports, metrics, jobFor };
}

type Bench = ReturnType<typeof bench>;

const urls = (b: Bench): readonly string[] => b.http.requests.map(one => one.url);

async function verdicts(state: MemoryState): Promise<readonly string[]> {
  const events = await state.journal({ stage: 'notify', limit: 100, newestFirst: false });
  return events.ok ? events.value.map(one => one.verdict) : [];
}

function counted(metrics: MetricRegistry, name: string, receiver: string): number | undefined {
  const family = metrics.families().find(one => one.name === name);
  return family?.samples.find(one => labelValue(one.labels, 'receiver') === receiver)?.value;
}

describe('a receiver of a kind that is not carried out', () => {
  it('is a destination all the same: its messages go to the fallback within one cycle, and are counted', async () => {
    const b = bench();
    expect([...b.notifier.destinations().keys()]).toEqual(['ops', 'lone', 'chat', 'slack']);
    expect(b.notifier.destinations().get('ops')).toMatchObject([
      { key: 'ops/pagerduty[0]', sendResolved: true },
    ]);
    expect(counted(b.metrics, 'watchkeeper_notifications_not_carried_out_total', 'ops')).toBe(0);
    b.notifier.deliver(b.jobFor('ops/pagerduty[0]'));
    await b.clock.advance(1000);
    expect(urls(b)).toEqual([HOOK]);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'sent' }, deliveredBy: 'chat/webhook[0]' }]);
    expect(await verdicts(b.state)).toEqual(['fallback', 'sent']);
    expect(counted(b.metrics, 'watchkeeper_notifications_not_carried_out_total', 'ops')).toBe(1);
    expect(counted(b.metrics, 'watchkeeper_notifications_undelivered_total', 'ops')).toBe(0);
    expect(counted(b.metrics, 'watchkeeper_notifications_not_carried_out_total', 'chat')).toBeUndefined();
  });

  it('without a fallback is journaled undelivered, with why', async () => {
    const b = bench();
    b.notifier.deliver(b.jobFor('lone/sns[0]'));
    await b.clock.advance(1000);
    const events = await b.state.journal({ stage: 'notify', limit: 1, newestFirst: true });
    expect(events.ok && events.value[0]).toMatchObject({ verdict: 'undelivered' });
    expect(events.ok && events.value[0]?.reason).toContain('not carried out: this version of Watchkeeper');
    expect(counted(b.metrics, 'watchkeeper_notifications_undelivered_total', 'lone')).toBe(1);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'drop', reason: 'not carried out' } }]);
  });

  it('says so when it is tested', async () => {
    const b = bench();
    expect(await b.notifier.testReceiver('lone')).toMatchObject([
      { outcome: { kind: 'drop', reason: 'not carried out' } },
    ]);
  });
});

describe('times of success and error', () => {
  it('are series of each destination, and go with it', async () => {
    const b = bench();
    const at = (what: string, receiver: string) =>
      counted(b.metrics, `watchkeeper_receiver_last_${what}_timestamp_seconds`, receiver);
    expect([at('success', 'chat'), at('error', 'chat')]).toEqual([0, 0]);
    b.notifier.deliver(b.jobFor('chat/webhook[0]'));
    await b.clock.advance(1000);
    const sentMs = b.reports[0]?.atMs ?? 0;
    expect(at('success', 'chat')).toBe(sentMs / 1000);
    b.http.on(HOOK, { status: 404 });
    b.notifier.deliver(b.jobFor('chat/webhook[0]', { id: 'j2' }));
    await b.clock.advance(1000);
    expect(at('error', 'chat')).toBeGreaterThan(0);
    expect(at('success', 'chat')).toBe(sentMs / 1000);
    const render = createRender({ clock: b.clock, files: [] });
    if (!render.ok) throw new Error(render.error.message);
    b.notifier.reload({
      receivers: [],
      render: render.value,
      externalUrl: '',
      configVersion: 'v2',
      logKeptMs: 1,
    });
    expect(at('success', 'chat')).toBeUndefined();
    expect(at('success', 'lone')).toBeUndefined();
  });
});

describe('the message of a group', () => {
  const SLACK = 'slack/slack[0]';

  it('is changed while its alerts go on, also by the next process, and posted anew for a new episode', async () => {
    const b = bench();
    const step = async (on: Bench, more: Partial<NotificationJob>): Promise<void> => {
      on.notifier.deliver(on.jobFor(SLACK, more));
      await on.clock.advance(1000);
    };
    await step(b, { id: 'j1', alerts: [alert('a')] });
    await step(b, { id: 'j2', alerts: [alert('a'), alert('b')] });
    expect(urls(b)).toEqual([POST, UPDATE]);
    const next = bench({
      clock: b.clock,
      http: b.http,
      state: new MemoryState({ clock: b.clock }, b.state.killProcess()),
    });
    const over = { state: 'resolved', resolvedAtMs: b.clock.nowMs() } as const;
    await step(next, { id: 'j3', status: 'resolved', alerts: [alert('a', over), alert('b', over)] });
    expect(urls(b)).toEqual([POST, UPDATE, UPDATE]);
    await step(next, { id: 'j4', alerts: [alert('a')] });
    expect(urls(b)).toEqual([POST, UPDATE, UPDATE, POST]);
    expect(next.reports.every(one => one.outcome.kind === 'sent')).toBe(true);
  });

  it('is posted anew when the log cannot be read', async () => {
    const clock = new FakeClock();
    const state = new MemoryState({ clock });
    state.notificationLog = () => Promise.resolve(err({ code: 'state-io', message: 'broken' }));
    const b = bench({ clock, state });
    b.notifier.deliver(b.jobFor(SLACK));
    await clock.advance(1000);
    expect(urls(b)).toEqual([POST]);
    expect(b.reports).toMatchObject([{ outcome: { kind: 'sent' } }]);
  });
});

describe('a death at every commit of a fallback', () => {
  it('leaves each message told, or its intent open: never both, never neither once it went out', async () => {
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
        b.notifier.deliver(b.jobFor('ops/pagerduty[0]'));
        await clock.advance(60_000);
        if (died) deaths += 1;
        const after = new MemoryState({ clock }, state.killProcess());
        const open = await after.openIntents();
        const log = await after.notificationLog();
        const isOpen = open.ok && open.value.length === 1;
        const isLogged = log.ok && log.value.length === 1;
        const place = `${when} commit ${at}`;
        if (b.http.requests.length > 0) expect(isOpen !== isLogged, place).toBe(true);
        else expect(isLogged, place).toBe(false);
      }
    }
    // Intent, the event that the fallback takes over, outcome.
    expect(deaths).toBe(6);
  });

  it.each([1, 2, 3, 4])('or the n-th that fails leaves it told once (n = %i)', async n => {
    const clock = new FakeClock();
    const state = new MemoryState({ clock });
    const commit = state.commit.bind(state);
    let calls = 0;
    state.commit = (writes, durability) => {
      calls += 1;
      return calls === n
        ? Promise.resolve(err({ code: 'state-io', message: 'disk full' }))
        : commit(writes, durability);
    };
    const b = bench({ clock, state });
    b.notifier.deliver(b.jobFor('ops/pagerduty[0]'));
    await clock.advance(60_000);
    expect(urls(b)).toEqual([HOOK]);
    expect(b.http.requests[0]?.headers['x-watchkeeper-possible-repeat']).toBeUndefined();
    const log = await state.notificationLog();
    const open = await state.openIntents();
    expect([log.ok && log.value.length, open.ok && open.value.length]).toEqual([1, 0]);
  });
});

it('the metrics of deliveries stand on the page of metrics, with their types and texts', () => {
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8').split('\n');
  const rows = bench()
    .metrics.families()
    .map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
  expect(rows.length).toBeGreaterThan(8);
  expect(rows.filter(row => !page.includes(row))).toEqual([]);
});
