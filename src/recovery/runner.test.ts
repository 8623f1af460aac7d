// The life of runs on a fake clock: journal before act, guard, verification on fresh samples, crashes at each commit.

import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/clock.ts';
import { FakeExec } from '../../test/support/exec.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { seededRandom } from '../../test/support/random.ts';
import { MemoryState, type StateImage } from '../../test/support/state.ts';
import { ok } from '../base/index.ts';
import {
  type Alert,
  type AlertState,
  type AnswerSeries,
  compileMatchers,
  fingerprint,
  labelsFrom,
  MetricRegistry,
  type Query,
  type QueryAnswer,
  type RecoveryRun,
  type RecoveryUpdate,
} from '../model/index.ts';
import { commandAction } from './actions/command.ts';
import { judgeGuard } from './guard.ts';
import type { Guard, Playbook } from './playbook.ts';
import { createRecovery, type Recovery } from './runner.ts';
import { reportOf } from './transitions.ts';

const LABELS = labelsFrom({ alertname: 'VictimDown', instance: '127.0.0.1:80', job: 'victim' });

/** One episode: the alert began to fire just before each test's clock starts. */
const FIRED_AT_MS = new FakeClock().nowMs() - 1000;

function alertOf(state: AlertState): Alert {
  return {
    labels: LABELS,
    fingerprint: fingerprint(LABELS),
    annotations: labelsFrom({}),
    state,
    activeAtMs: FIRED_AT_MS - 60_000,
    firedAtMs: FIRED_AT_MS,
    reason: '',
    value: 0,
    rule: { file: 'f', group: 'g', name: 'VictimDown', labelsKey: '' },
    expr: 'up == 0',
    generatorUrl: '',
  };
}

/** A query port over one fact: is the victim up, and since when are samples fresh. */
function victimQuery(victim: {
  up: boolean;
  lastSampleMs: number;
}): Query & { askedNotBefore: (number | undefined)[] } {
  const askedNotBefore: (number | undefined)[] = [];
  return {
    askedNotBefore,
    prepare: expr =>
      ok({ kind: 'promql-plan', expr, type: 'vector', root: { op: 'test', inputs: [], settings: {} } }),
    execute: async (_, times, options) => {
      askedNotBefore.push(options.notBeforeMs);
      const fresh = victim.lastSampleMs > (options.notBeforeMs ?? 0);
      const row: AnswerSeries = {
        labels: labelsFrom({ __name__: 'up', instance: '127.0.0.1:80', job: 'victim' }),
        values: Float64Array.of(victim.up ? 1 : 0),
        present: Uint8Array.of(fresh ? 1 : 0),
      };
      const answer: QueryAnswer = {
        times,
        resultType: 'vector',
        series: fresh && !victim.up ? [row] : [],
        unfiltered: [row],
        annotations: [],
        cost: { seriesRead: 1, samplesRead: fresh ? 1 : 0, durationMs: 0, queueMs: 0, bytesPeak: 0 },
      };
      return ok(answer);
    },
  };
}

function playbookOf(options: { guard?: Partial<Guard>; idempotent?: boolean } = {}): Playbook {
  const match = compileMatchers([{ name: 'alertname', op: '=', value: 'VictimDown' }]);
  if (!match.ok) throw new Error(match.error);
  return {
    name: 'restart',
    match: match.value,
    guard: {
      attemptsMax: 2,
      coolDownMs: 60_000,
      concurrentMax: 1,
      alertsMax: 3,
      windowMs: 3_600_000,
      ...options.guard,
    },
    steps: [
      {
        name: 'restart',
        idempotent: options.idempotent ?? false,
        action: commandAction({
          program: '/bin/restart',
          rest: ['$labels.instance'],
          env: new Map([['API_TOKEN', 'hunter2hunter2']]),
          cwd: undefined,
          timeoutMs: 5000,
        }),
      },
    ],
    verify: { withinMs: 20_000, intervalMs: 2000 },
  };
}

interface House {
  readonly clock: FakeClock;
  readonly exec: FakeExec;
  readonly victim: { up: boolean; lastSampleMs: number };
  readonly query: ReturnType<typeof victimQuery>;
  readonly updates: RecoveryUpdate[];
  readonly noPlaybook: string[];
  state: MemoryState;
  recovery: Recovery;
}

async function house(
  options: { playbook?: Playbook; image?: StateImage; clock?: FakeClock; effects?: 'live' | 'shadow' } = {},
): Promise<House> {
  const clock = options.clock ?? new FakeClock();
  const victim = { up: false, lastSampleMs: clock.nowMs() };
  const query = victimQuery(victim);
  const exec = new FakeExec(clock).on('/bin/restart', () => ({
    exitCode: 0,
    stdout: 'token=hunter2hunter2 restarted',
  }));
  const state = new MemoryState({}, options.image);
  const updates: RecoveryUpdate[] = [];
  const noPlaybook: string[] = [];
  const recovery = createRecovery(
    {
      clock,
      random: seededRandom(1),
      exec,
      query,
      state,
      log: new CollectingLog(),
      metrics: new MetricRegistry(),
    },
    {
      playbooks: [options.playbook ?? playbookOf()],
      effects: options.effects ?? 'live',
      configVersion: 'v1',
    },
    { onUpdate: update => updates.push(update), onNoPlaybook: print => noPlaybook.push(print) },
  );
  await recovery.start();
  return { clock, victim, query, exec, state, updates, noPlaybook, recovery };
}

function fire(h: House, state: AlertState = 'firing'): void {
  h.recovery.accept({ alert: alertOf(state), atMs: h.clock.nowMs() });
}

/** The victim comes back and is seen up. */
function heal(h: House): void {
  h.victim.up = true;
  h.victim.lastSampleMs = h.clock.nowMs();
}

async function runsOf(h: House): Promise<readonly RecoveryRun[]> {
  const runs = await h.state.recoveryRuns({ unfinishedOnly: false, limit: 100 });
  if (!runs.ok) throw new Error(runs.error.message);
  return runs.value;
}

describe('recovery', () => {
  it('acts, verifies on samples newer than the action, and says recovered', async () => {
    const h = await house();
    fire(h);
    await h.clock.advance(3000);
    expect(h.exec.requests.map(request => request.argv)).toEqual([['/bin/restart', '127.0.0.1:80']]);
    expect(h.exec.requests[0]?.env).toMatchObject({
      WATCHKEEPER_LABEL_job: 'victim',
      WATCHKEEPER_LABEL_instance: '127.0.0.1:80',
    });
    expect(h.updates.at(-1)?.run.state).toBe('verifying');
    heal(h);
    await h.clock.advance(3000);
    expect(h.updates.map(update => update.run.state)).toEqual([
      'proposed',
      'running',
      'running',
      'verifying',
      'recovered',
    ]);
    expect(h.query.askedNotBefore.every(at => at !== undefined && at > 0)).toBe(true);
  });

  it('does not take an old good sample for recovery', async () => {
    const h = await house({ playbook: playbookOf({ guard: { attemptsMax: 1 } }) });
    h.victim.up = true; // seen up, but before the action
    fire(h);
    await h.clock.advance(30_000);
    expect(h.updates.at(-1)?.run.state).toBe('escalated');
    expect(h.updates.at(-1)?.run.reason).toContain('no sample newer than the action');
  });

  it('never prints a secret of the playbook into the journal', async () => {
    const h = await house();
    fire(h);
    await h.clock.advance(100);
    expect(JSON.stringify(await runsOf(h))).not.toContain('hunter2');
    expect(JSON.stringify(await runsOf(h))).toContain('restarted');
  });

  it('tries again after the cool-down, then hands over to people with a report', async () => {
    const h = await house();
    h.exec.on('/bin/restart', () => ({ exitCode: 3, stderr: 'no such unit' }));
    for (let s = 0; s < 300; s += 5) {
      fire(h);
      await h.clock.advance(5000);
    }
    expect(h.exec.requests.length).toBe(2);
    const last = h.updates.at(-1);
    expect(last?.run.state).toBe('escalated');
    if (last === undefined) throw new Error('no update');
    expect(reportOf(last.run)).toContain('exit code 3');
    expect(reportOf(last.run)).toContain('no such unit');
  });

  it.each(['pending', 'unknown', 'resolved'] as const)('never acts on an alert that is %s', async state => {
    const h = await house();
    fire(h, state);
    await h.clock.advance(60_000);
    expect(h.exec.requests).toEqual([]);
  });

  describe('of an alert that somebody else posts', () => {
    const posted = (h: House, state: AlertState, more: Partial<Alert> = {}): void =>
      h.recovery.accept({ alert: { ...alertOf(state), expr: '', ...more }, atMs: h.clock.nowMs() });

    it('has recovered when its sender says that it is over', async () => {
      const h = await house();
      posted(h, 'firing');
      await h.clock.advance(3000);
      expect(h.updates.at(-1)?.run.state).toBe('verifying');
      posted(h, 'resolved', { resolvedAtMs: h.clock.nowMs() });
      await h.clock.advance(3000);
      expect(h.updates.at(-1)?.run).toMatchObject({
        state: 'recovered',
        reason: 'verified: whoever posts the alert says that it is over',
      });
      expect(h.query.askedNotBefore).toEqual([]);
    });

    it.each([
      ['it goes on', 'firing', {}, 'has not said that it is over'],
      ['it is no longer posted', 'resolved', { absence: 'not_posted' }, 'which proves nothing'],
    ] as const)('has not where %s', async (_, state, more, reason) => {
      const h = await house({ playbook: playbookOf({ guard: { attemptsMax: 1 } }) });
      posted(h, 'firing');
      await h.clock.advance(3000);
      posted(h, state, more);
      await h.clock.advance(30_000);
      expect(h.updates.at(-1)?.run.state).toBe('escalated');
      expect(h.updates.at(-1)?.run.reason).toContain(reason);
      expect(h.exec.requests.length).toBe(1);
    });

    it('is verified by the expression of the playbook where there is one', async () => {
      const playbook = playbookOf();
      const verify = { ...playbook.verify, expr: 'up == 1' };
      const h = await house({ playbook: { ...playbook, verify } });
      posted(h, 'firing');
      await h.clock.advance(3000);
      expect(h.query.askedNotBefore.length).toBeGreaterThan(0);
      await h.recovery.stop();
    });
  });

  it('does not begin a step once the alert has ended while its intent was written', async () => {
    const h = await house();
    fire(h);
    fire(h, 'resolved');
    await h.clock.advance(60_000);
    expect(h.exec.requests).toEqual([]);
  });

  it('does nothing in shadow but says what it would have done', async () => {
    const h = await house({ effects: 'shadow' });
    fire(h);
    await h.clock.advance(1000);
    expect(h.exec.requests).toEqual([]);
    expect(h.updates.at(-1)?.run).toMatchObject({ state: 'blocked' });
    expect(h.updates.at(-1)?.run.reason).toContain('would have run command ["/bin/restart"');
  });

  it('says so when no playbook answers', async () => {
    const h = await house();
    const labels = labelsFrom({ alertname: 'Other' });
    h.recovery.accept({ alert: { ...alertOf('firing'), labels, fingerprint: fingerprint(labels) }, atMs: 0 });
    expect(h.noPlaybook).toEqual([fingerprint(labels)]);
  });

  it('does not act when the intent cannot be journaled', async () => {
    const h = await house();
    await h.state.close();
    fire(h);
    await h.clock.advance(1000);
    expect(h.exec.requests).toEqual([]);
  });

  it('repeats no action over a crash at any commit boundary, unless the step is idempotent', async () => {
    for (const idempotent of [false, true]) {
      let crashes = 0;
      for (let n = 1; n <= 12; n++) {
        for (const when of ['before', 'after'] as const) {
          const h = await house({ playbook: playbookOf({ idempotent, guard: { attemptsMax: 1 } }) });
          if (when === 'before') h.state.crashBefore(n);
          else h.state.crashAfter(n);
          let dead = false;
          void h.state.whenCrashed.then(() => {
            dead = true;
          });
          fire(h);
          await h.clock.advance(3000);
          if (!dead) continue;
          crashes += 1;
          const again = await house({
            playbook: playbookOf({ idempotent, guard: { attemptsMax: 1 } }),
            image: h.state.killProcess(),
            clock: h.clock,
          });
          for (let s = 0; s < 12; s++) {
            fire(again);
            await again.clock.advance(5000);
          }
          const acted = h.exec.requests.length + again.exec.requests.length;
          // An idempotent step may run twice, once before and once after the crash; any other at most once.
          expect(acted).toBeLessThanOrEqual(idempotent ? 2 : 1);
          const finals = (await runsOf(again)).map(run => run.state);
          expect(finals).toContain('escalated');
          await again.recovery.stop();
        }
      }
      expect(crashes).toBeGreaterThan(4);
    }
  });

  it('stops without leaving work behind, and the next start takes the run up', async () => {
    const h = await house();
    h.exec.on('/bin/restart', () => ({ exitCode: 0, durationMs: 4000 }));
    fire(h);
    await h.clock.advance(1000);
    const stopped = h.recovery.stop();
    await h.clock.advance(0);
    await stopped;
    const again = await house({ image: h.state.killProcess(), clock: h.clock });
    expect(again.updates.map(update => update.run.state)).toEqual(['unknown', 'escalated']);
    await settle();
  });
});

describe('the guard', () => {
  const clock = new FakeClock();
  const alert = alertOf('firing');
  const nowMs = clock.nowMs();
  const past = (change: Partial<RecoveryRun>): RecoveryRun => ({
    id: 'x',
    playbook: 'restart',
    fingerprint: alert.fingerprint,
    labels: {},
    expr: '',
    state: 'failed',
    reason: '',
    attempt: 1,
    proposedAtMs: nowMs - 500,
    changedAtMs: nowMs - 400,
    steps: [{ name: 's', startedAtMs: 0 }],
    ...change,
  });
  const others = (count: number): RecoveryRun[] =>
    Array.from({ length: count }, (_, i) => past({ fingerprint: `other${i}` }));

  const CASES: readonly (readonly [
    name: string,
    runs: readonly RecoveryRun[],
    guard: Partial<Guard>,
    verdict: object,
  ])[] = [
    ['allows the first attempt', [], {}, { kind: 'allow', attempt: 1 }],
    ['waits for the cool-down', [past({})], {}, { kind: 'wait' }],
    ['allows the second after it', [past({})], { coolDownMs: 100 }, { kind: 'allow', attempt: 2 }],
    ['blocks when the attempts are used up', [past({}), past({})], { coolDownMs: 100 }, { kind: 'block' }],
    ['does not count withdrawn runs', [past({ steps: [] })], {}, { kind: 'allow', attempt: 1 }],
    [
      'does not count runs of an earlier episode',
      [past({ proposedAtMs: nowMs - 9e6, changedAtMs: nowMs - 9e6 })],
      {},
      { kind: 'allow', attempt: 1 },
    ],
    [
      'waits while another run is under way',
      [past({ fingerprint: 'other', state: 'verifying' })],
      {},
      { kind: 'wait' },
    ],
    ['blocks beyond the blast radius', others(3), {}, { kind: 'block' }],
    [
      'forgets the blast radius after its window',
      others(3),
      { windowMs: 100 },
      { kind: 'allow', attempt: 1 },
    ],
  ];

  it.each(CASES)('%s', (_, runs, guard, verdict) => {
    expect(judgeGuard(playbookOf({ guard }), alert, { runs, nowMs })).toMatchObject(verdict);
  });
});
