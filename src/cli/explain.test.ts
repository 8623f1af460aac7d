// Each cause by a script through the whole system: the API names it, and the command says it in words. Past times, why
// there is no alert, histories, and the delivery log.

import { describe, expect, it } from 'vitest';
import type { DeliveriesJson } from '../api/index.ts';
import { labelsFrom } from '../model/index.ts';
import { deliveriesCommand } from './deliveries.ts';
import { explainCommand } from './explain.ts';
import { CliWorld, configText, RULES, TARGETS } from './testdata/world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const [ONE, TWO] = TARGETS;
const HOT = `Hot{instance="${ONE}"}`;

async function world(options: Parameters<CliWorld['start']>[0] = {}): Promise<CliWorld> {
  const made = new CliWorld();
  await made.start(options);
  await made.clock.advance(20_000);
  return made;
}

/** What the command says because of the causes. */
async function said(w: CliWorld, args: readonly string[]): Promise<string> {
  const ran = await w.run(explainCommand, args);
  expect(ran).toMatchObject({ code: 0, warned: '' });
  return ran.out
    .split('\n')
    .filter(line => line.startsWith('  because'))
    .map(line => line.slice('  because     '.length))
    .join('\n');
}

describe('the causes', () => {
  it('for not met: since when, how long, until when', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(30_000);
    expect(await w.causes(HOT)).toEqual(['pending']);
    const { causes, alert } = await w.explain(HOT);
    expect(causes[0]?.params['firesAtMs']).toBe((alert?.activeAtMs ?? 0) + MINUTE_MS);
    expect(await said(w, [HOT])).toMatch(/^It is pending since .*: the condition must hold for 1m, until /);
  });

  it('waiting for the group: until when', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(80_000);
    expect(await w.causes(HOT)).toEqual(['ops waiting_group']);
    expect(await said(w, [HOT])).toMatch(/^ops is not told yet: its group gathers alerts until 2026-/);
  });

  it('repeat not due: told when, and told again when', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(8 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['ops repeat_not_due']);
    const [cause] = (await w.explain(HOT)).causes;
    expect(Number(cause?.params['dueAtMs']) - Number(cause?.params['toldAtMs'])).toBe(4 * HOUR_MS);
    expect(await said(w, [HOT])).toMatch(/^ops was told at .*; nothing is new, and it is told again from /);
  });

  it('an alert that joins a group that was told waits for the interval of the group', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    w.set(TWO, { heat: 9 });
    await w.clock.advance(70_000);
    expect(await w.causes(`Hot{instance="${TWO}"}`)).toEqual(['ops waiting_group']);
    await w.clock.advance(5 * MINUTE_MS);
    expect(await w.causes(`Hot{instance="${TWO}"}`)).toEqual(['ops told']);
  });

  it('no data: the target is silent, the alert is unknown and not resolved', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(2 * MINUTE_MS);
    w.pages.delete(ONE);
    await w.clock.advance(2 * MINUTE_MS);
    expect(await w.causes(HOT)).toContain('no_data');
    const { alert, stages } = await w.explain(HOT);
    expect(alert?.state).toBe('unknown');
    expect(stages[0]).toMatchObject({ stage: 'collect', verdict: 'down' });
    expect(await said(w, [HOT])).toContain('Its data is missing: its target is silent');
  });

  it('no data while pending: it stays pending and does not fire', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(20_000);
    w.pages.delete(ONE);
    await w.clock.advance(5 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['no_data', 'pending']);
  });

  it('target gone: it left discovery, so the alert ended', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    await w.write('watchkeeper.yml', configText({ targets: [TWO] }));
    expect((await w.system?.reload())?.ok).toBe(true);
    await w.clock.advance(6 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(expect.arrayContaining(['target_gone', 'ops told_end']));
    expect(await said(w, [HOT])).toMatch(/^Its target is no longer there, so it ended at .*left discovery/);
  });

  it('wrong route: where the receiver that is asked about was passed by', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    expect(await w.causes(HOT, { receiver: 'db' })).toEqual(['db wrong_route']);
    expect(await said(w, [HOT, '--receiver', 'db'])).toBe(
      'db is not told, since its route leads to ops: at {}/{team="db"} team="db" does not fit',
    );
    expect(await w.causes(HOT, { receiver: 'ops' })).toEqual(['ops told']);
    expect(await said(w, [HOT, '--receiver', 'nobody'])).toContain('no route names this receiver');
  });

  it('a receiver without a way out', async () => {
    const w = await world({ config: configText().replace('receiver: ops\n', 'receiver: nobody\n') });
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['nobody no_way_out']);
  });

  it('receiver failed: what it answered', async () => {
    const w = await world();
    w.receiverStatus = 503;
    w.set(ONE, { heat: 9 });
    await w.clock.advance(2 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['ops receiver_failed']);
    expect(await said(w, [HOT])).toMatch(/^ops could not be told, last at .*503/);
    w.receiverStatus = 400;
    await w.clock.advance(10 * MINUTE_MS);
    expect(await said(w, [HOT])).toMatch(/^ops could not be told, last at .*400/);
    w.receiverStatus = 200;
    await w.clock.advance(10 * MINUTE_MS);
    expect(await w.causes(HOT)).not.toContain('ops receiver_failed');
  });

  it('inhibited: by which alert, by which rule', async () => {
    const inhibit = `inhibit_rules:
  - { source_matchers: ['alertname="DbHot"'], target_matchers: ['alertname="Hot"'], equal: [instance] }
`;
    const w = await world({ config: configText({ more: inhibit }) });
    w.set(ONE, { heat: 9, db_heat: 9, db_load: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['ops inhibited']);
    expect(await w.causes('DbHot')).toEqual(['db told']);
    expect(await said(w, [HOT])).toMatch(
      /^ops is not told, since it is inhibited: .*alertname="DbHot".*rule 1$/,
    );
    expect((await w.explain(HOT)).stages.map(stage => stage.stage)).toContain('inhibition');
    // The source ends: it is let through at the next flush, and told.
    const then = w.clock.nowMs();
    w.set(ONE, { db_heat: 1 });
    await w.clock.advance(12 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['ops repeat_not_due']);
    expect(await w.causes(HOT, { at: String(then / 1000) })).toEqual(['ops inhibited']);
  });

  it('silenced: by whose silence, with its comment, and told once it is over', async () => {
    const w = await world();
    const silence = await w.system?.dispatcher.setSilence({
      matchers: [{ name: 'alertname', op: '=', value: 'Hot' }],
      endsAtMs: w.clock.nowMs() + 6 * MINUTE_MS,
      createdBy: 'ann',
      comment: 'we know',
    });
    expect(silence?.ok).toBe(true);
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['ops silenced']);
    expect(await said(w, [HOT])).toContain('(ann: we know)');
    const then = w.clock.nowMs();
    await w.clock.advance(6 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['ops told']);
    expect(await w.causes(HOT, { at: String(then / 1000) })).toEqual(['ops silenced']);
  });

  it('silenced after it was told: at once, before its group is looked at again', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    await w.system?.dispatcher.setSilence({
      matchers: [{ name: 'alertname', op: '=', value: 'Hot' }],
      endsAtMs: w.clock.nowMs() + HOUR_MS,
      createdBy: 'ann',
      comment: 'we know',
    });
    await w.clock.advance(1000);
    expect(await w.causes(HOT)).toEqual(['ops silenced']);
  });

  it('muted by time: by which interval', async () => {
    // The world begins on a Monday at 9:00.
    const more = `time_intervals:
  - name: mondays
    time_intervals: [{ weekdays: ['monday'], times: [{ start_time: '09:00', end_time: '09:10' }] }]
`;
    const config = configText({ more }).replace(
      'receiver: db }',
      'receiver: db, mute_time_intervals: [mondays] }',
    );
    const w = await world({ config });
    w.set(ONE, { db_heat: 9, db_load: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    expect(await w.causes('DbHot')).toEqual(['db muted']);
    expect(await said(w, ['DbHot'])).toMatch(/^db is not told at this time: .*"mondays"$/);
    const then = w.clock.nowMs();
    await w.clock.advance(15 * MINUTE_MS);
    expect((await w.causes('DbHot'))[0]).toMatch(/^db (told|repeat_not_due)$/);
    expect(await w.causes('DbHot', { at: String(then / 1000) })).toEqual(['db muted']);
  });

  it('an alert that somebody else sends has its causes too', async () => {
    const w = await world();
    const labels = labelsFrom({ alertname: 'Posted', team: 'db' });
    await w.system?.dispatcher.receive(
      [{ labels, annotations: labelsFrom({}), generatorUrl: 'http://other/' }],
      w.clock.nowMs(),
    );
    await w.clock.advance(MINUTE_MS);
    expect(await w.causes('Posted')).toEqual(['db told']);
    await w.clock.advance(12 * MINUTE_MS);
    expect(await w.causes('Posted{team="db"}')).toEqual(['ended', 'db told_end']);
  });

  it('shadow run: who would have been told', async () => {
    const w = await world({ effects: 'shadow' });
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['ops shadow']);
    expect(await said(w, [HOT])).toMatch(/^Shadow run: ops would have been told at .*: first notification/);
    expect(w.http.requests.filter(request => request.url.includes(':9200'))).toEqual([]);
    const log = await w.run(deliveriesCommand, ['--outcome', 'would_have']);
    expect(log.out).toContain('ops/webhook[0]  would_have  first notification: 1 alert firing');
  });

  it('a rule that cannot be evaluated', async () => {
    const rules = RULES.replace('heat > 5\n', 'heat * on () group_left () heat > 5\n');
    const w = await world({ rules });
    expect(await w.causes('Hot')).toContain('rule_failed');
    expect(await said(w, ['Hot'])).toContain('Its rule cannot be evaluated: ');
  });

  it('ended: when, why, and that it was told', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    w.set(ONE, { heat: 2 });
    await w.clock.advance(6 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(['ended', 'ops told_end', 'not_holding']);
    expect(await said(w, [HOT])).toMatch(
      /^It ended at .*: the condition no longer holds\nops was told at .* that it ended\nThe condition does not hold: heat is 2, and the rule asks for > 5$/,
    );
  });

  it('ended before anyone was told', async () => {
    const w = await world();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(70_000);
    w.set(ONE, { heat: 2 });
    await w.clock.advance(6 * MINUTE_MS);
    expect(await w.causes(HOT)).toEqual(expect.arrayContaining(['ended', 'ops ended_untold']));
  });
});

describe('no alert, and why', () => {
  it('names the value against the threshold', async () => {
    const w = await world();
    expect(await w.causes('Hot')).toEqual(['not_holding']);
    const ran = await w.run(explainCommand, ['Hot']);
    expect(ran.out).toContain('There is no alert Hot\n');
    expect(ran.out).toContain('The condition does not hold: heat is 1, and the rule asks for > 5');
    expect(ran.out).toContain('heat > 5 (group test of');
  });

  it('says of each part of an expression what it is', async () => {
    const w = await world();
    w.set(ONE, { db_heat: 9 });
    await w.clock.advance(20_000);
    const { conditions, causes } = await w.explain('DbHot');
    expect(conditions.map(one => [one.left, one.series[0]?.value, one.series[0]?.holds])).toEqual([
      ['db_heat', '9', true],
      ['db_load', '1', false],
    ]);
    expect(causes.map(cause => cause.code)).toEqual(['not_holding']);
  });

  it('says that the parts hold for different series', async () => {
    const w = await world();
    w.set(ONE, { db_heat: 9 });
    w.set(TWO, { db_load: 9 });
    await w.clock.advance(20_000);
    expect(await w.causes('DbHot')).toEqual(['holds_elsewhere']);
  });

  it('says that nothing answers, and which target is silent', async () => {
    const rules = RULES.replace('heat > 5\n', `heat{instance="${ONE}"} > 5\n`);
    const w = new CliWorld();
    w.pages.delete(ONE);
    await w.start({ rules });
    await w.clock.advance(30_000);
    expect(await w.causes('Hot')).toEqual(['no_series_silent']);
    expect(await said(w, ['Hot'])).toContain(`page http://${ONE}/metrics`);
    const none = await world({ rules: RULES.replace('heat > 5\n', 'no_such_metric > 5\n') });
    expect(await none.causes('Hot')).toEqual(['no_series']);
  });

  it('names rules that resemble a name nobody knows', async () => {
    const w = await world();
    const ran = await w.run(explainCommand, ['hot']);
    expect(ran.code).toBe(1);
    expect(ran.warned).toContain('no rule makes one');
    expect(ran.warned).toContain('there are rules "Hot", "DbHot"');
  });
});

describe('a past time', () => {
  it('is explained by what was known then, with the configuration of then', async () => {
    const w = await world();
    const before = w.clock.nowMs();
    const version = w.system?.configVersion();
    w.set(ONE, { heat: 9 });
    await w.clock.advance(30_000);
    const pending = w.clock.nowMs();
    await w.clock.advance(40_000);
    const waiting = w.clock.nowMs();
    await w.clock.advance(8 * MINUTE_MS);
    const quiet = w.clock.nowMs();
    await w.clock.advance(1000);
    await w.write('watchkeeper.yml', configText({ route: ', continue: true' }));
    expect((await w.system?.reload())?.ok).toBe(true);
    w.set(ONE, { heat: 2 });
    await w.clock.advance(10 * MINUTE_MS);
    const at = (ms: number) => ({ at: String(ms / 1000) });
    expect(await w.causes(HOT, at(before))).toEqual(['not_known_then', 'not_holding']);
    expect(await w.causes(HOT, at(pending))).toEqual(['pending']);
    expect(await w.causes(HOT, at(waiting))).toEqual(['ops waiting_group']);
    expect(await w.causes(HOT, at(quiet))).toEqual(['ops repeat_not_due']);
    expect((await w.explain(HOT, at(quiet))).configVersion).toBe(version);
    const now = await w.explain(HOT);
    expect([now.alert?.state, now.configVersion === version]).toEqual(['resolved', false]);
    const text = (await w.run(explainCommand, [HOT, '--at', new Date(quiet).toISOString()])).out;
    expect(text).toContain('Hot was firing at 2026-03-02');
    expect(text).toContain('heat > 5: heat{instance="127.0.0.1:9101", job="page"} 9 holds');
    expect(text).toContain(`  config      ${version}`);
    const future = await w.run(explainCommand, [HOT, '--at', '2100-01-01T00:00:00Z']);
    expect([future.code, future.warned]).toEqual([
      1,
      'invalid parameter "at": the time lies in the future\n',
    ]);
  });

  it('of an outcome that came later knows the message as under way', async () => {
    const w = await world();
    w.http.on('http://127.0.0.1:9200/', () => ({ status: 200, latencyMs: 4000 }));
    w.set(ONE, { heat: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    const log = await w.api<DeliveriesJson>('deliveries');
    const { startedAtMs, endedAtMs } = {
      startedAtMs: log.deliveries[0]?.startedAtMs ?? 0,
      endedAtMs: log.deliveries[0]?.endedAtMs ?? 0,
    };
    expect(endedAtMs - startedAtMs).toBeGreaterThanOrEqual(4000);
    expect(await w.causes(HOT, { at: String((startedAtMs + 2000) / 1000) })).toEqual(['ops under_way']);
    expect(await w.causes(HOT, { at: String((endedAtMs + 1) / 1000) })).toEqual(['ops told']);
  });
});

describe('histories and the delivery log', () => {
  it('a history of months comes whole, the oldest first, and by span', async () => {
    const w = await world({ rules: RULES.replace('for: 1m', 'for: 0s') });
    const days = 90;
    for (let day = 0; day < days; day++) {
      // The journal alone is asked: its events are written as a rule writes them, a day apart.
      const event = {
        atMs: w.clock.nowMs() - (days - day) * 24 * HOUR_MS,
        stage: 'rule' as const,
        subject: { kind: 'alert' as const, fingerprint: '0123456789abcdef' },
        alerts: [],
        reason: 'r',
        evidence: { labels: { alertname: 'Old' } },
        effects: 'live' as const,
        configVersion: 'v1',
      };
      const writes = Array.from({ length: 10 }, (_, i) => ({
        kind: 'journal' as const,
        event: { ...event, atMs: event.atMs + 1000 * i, verdict: i % 2 === 0 ? 'firing' : 'resolved' },
      }));
      await w.state.commit(writes, 'grouped');
    }
    const all = await w.run(explainCommand, ['Old', '--history', '--json']);
    expect(JSON.parse(all.out).history).toHaveLength(days * 10);
    const from = new Date(w.clock.nowMs() - 3 * 24 * HOUR_MS - 1000).toISOString();
    const to = new Date(w.clock.nowMs() - 24 * HOUR_MS - 1000).toISOString();
    const span = await w.run(explainCommand, ['Old', '--history', '--from', from, '--to', to]);
    const lines = span.out.split('\n').filter(line => line.startsWith('  rule'));
    expect(lines).toHaveLength(20);
    expect([...lines].sort()).toEqual(lines);
    expect((await w.run(explainCommand, ['Old', '--from', from])).code).toBe(2);
  });

  it('is searched by receiver, alert, outcome and time', async () => {
    const w = await world();
    w.set(ONE, { heat: 9, db_heat: 9, db_load: 9 });
    await w.clock.advance(3 * MINUTE_MS);
    const middle = w.clock.nowMs();
    w.receiverStatus = 400;
    w.set(ONE, { heat: 1 });
    await w.clock.advance(10 * MINUTE_MS);
    const found = async (...args: string[]): Promise<readonly string[]> => {
      const ran = await w.run(deliveriesCommand, [...args, '--json']);
      expect(ran).toMatchObject({ code: 0, warned: '' });
      const { deliveries } = JSON.parse(ran.out) as {
        deliveries: readonly { receiver: string; verdict: string }[];
      };
      return deliveries.map(({ receiver, verdict }) => `${receiver} ${verdict}`);
    };
    expect(await found('--receiver', 'db')).toEqual(['db/webhook[0] sent']);
    expect(await found('--alert', HOT, '--outcome', 'sent')).toEqual(['ops/webhook[0] sent']);
    expect(new Set(await found('--outcome', 'undelivered'))).toEqual(new Set(['ops/webhook[0] undelivered']));
    expect(await found('--to', String(middle / 1000))).toHaveLength(2);
    expect(await found('--from', String(middle / 1000), '--limit', '1')).toHaveLength(1);
    expect(await found('--receiver', 'none')).toEqual([]);
    const text = await w.run(deliveriesCommand, ['--outcome', 'undelivered', '--limit', '1']);
    expect(text.out).toMatch(/ops\/webhook\[0\] {2}undelivered {2}.*400/);
  });

  it.each([
    [['--outcome', 'lost'], 1, 'one of under_way, sent'],
    [['--limit', 'few'], 2, '--limit is a whole number'],
    [['--from', 'soon'], 1, 'invalid parameter "from"'],
    [['--alert', 'Nothing'], 1, 'no alert of this name is known'],
    [['word'], 2, 'too much'],
  ])('refuses %j', async (args, code, says) => {
    const w = await world();
    const ran = await w.run(deliveriesCommand, args);
    expect(ran.code).toBe(code);
    expect(ran.warned).toContain(says);
  });
});
