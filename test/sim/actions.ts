// Promise 3 and 4 for actions: one intent, one action; within the guard; only while the alert fires; explained.

import type { ExecRequest } from '../../src/base/index.ts';
import type { RecoveryRun, StateWrite } from '../../src/model/index.ts';
import type { Scene } from './scene.ts';

interface Done {
  readonly runId: string;
  readonly life: number;
  readonly step: string;
}

interface RunEnd {
  readonly runId: string;
  readonly atMs: number;
  readonly jumps: number;
}

/** Owns what was done in answer to which intent. */
export class ActionChecks {
  readonly #scene: Scene;
  readonly #done = new Map<string, Done>();
  #unexplained: Done[] = [];
  /** By fingerprint and start of the episode: runs that acted. */
  readonly #acted = new Map<string, Set<string>>();
  readonly #ends = new Map<string, RunEnd>();
  readonly #states = new Map<string, RecoveryRun['state']>();
  #lastActionMs = Number.NEGATIVE_INFINITY;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  onWrites(writes: readonly StateWrite[], committed: boolean): void {
    for (const write of writes) if (write.kind === 'recovery_run' && committed) this.#runSaid(write.run);
  }

  #runSaid(run: RecoveryRun): void {
    const scene = this.#scene;
    const before = this.#states.get(run.id);
    this.#states.set(run.id, run.state);
    if (run.steps.length > 0 && ['recovered', 'failed', 'escalated'].includes(run.state)) {
      // It may have ended some time ago and be written only now.
      const atMs = scene.nowMs - Math.max(0, scene.clock.nowMs() - run.changedAtMs);
      this.#ends.set(run.fingerprint, { runId: run.id, atMs, jumps: scene.jumps });
    }
    if (before === run.state) return;
    if (run.state === 'escalated' || run.state === 'blocked') scene.looked('actions: handed to people');
    if (run.state !== 'recovered' || !run.reason.startsWith('verified') || scene.isTimeTwofold) return;
    const really = scene.holds(run.labels['alertname'] ?? '', run.labels['instance'] ?? '');
    scene.expect(
      'actions: verified as recovered',
      really === 'no',
      () => `run ${run.id} says "${run.reason}", really the condition: ${really}`,
    );
  }

  onAction(request: ExecRequest): void {
    const scene = this.#scene;
    const fingerprint = request.env['WATCHKEEPER_FINGERPRINT'] ?? '';
    const step = `step${request.argv[2]}`;
    this.#lastActionMs = scene.nowMs;
    const runs = [...scene.image.tables.runs.values()];
    const intents = runs.filter(run => run.fingerprint === fingerprint && isAbout(run, step));
    scene.expect(
      'explained: intent before the action',
      intents.length === 1,
      () => `${intents.length} committed intents for ${step} of ${fingerprint}`,
    );
    const run = intents[0];
    if (run === undefined) return;
    this.#checkOnce(run, step);
    this.#checkAlert(fingerprint);
    this.#checkGuard(run, runs);
  }

  #checkOnce(run: RecoveryRun, step: string): void {
    const scene = this.#scene;
    const key = `${run.id}|${step}`;
    const before = this.#done.get(key);
    const done = { runId: run.id, life: scene.life, step };
    this.#done.set(key, done);
    this.#unexplained.push(done);
    if (before === undefined) {
      scene.looked('actions: at most once for one intent');
      return;
    }
    scene.expect(
      'actions: at most once for one intent',
      before.life < scene.life,
      () => `${step} of run ${run.id} was done twice by one process`,
    );
    scene.expect(
      'actions: repeated only if idempotent',
      scene.plan.playbook.idempotent,
      () => `${step} of run ${run.id} was repeated after a crash`,
    );
  }

  #checkAlert(fingerprint: string): void {
    const { system } = this.#scene;
    if (system === undefined) return;
    const alert = system.rules.alerts().find(one => one.fingerprint === fingerprint);
    const state = alert?.state ?? 'resolved';
    this.#scene.expect(
      'actions: only while the alert fires',
      state === 'firing',
      () => `it acts on ${fingerprint}, which is ${state}`,
    );
  }

  #checkGuard(run: RecoveryRun, runs: readonly RecoveryRun[]): void {
    const scene = this.#scene;
    const { attemptsMax, coolDownMs, concurrentMax } = scene.plan.playbook;
    const alert = scene.system?.rules.alerts().find(one => one.fingerprint === run.fingerprint);
    const key = `${run.fingerprint}|${alert?.firedAtMs ?? 0}`;
    const acted = (this.#acted.get(key) ?? new Set()).add(run.id);
    this.#acted.set(key, acted);
    const end = this.#ends.get(run.fingerprint);
    const pausedMs = end === undefined || end.runId === run.id ? Infinity : scene.nowMs - end.atMs;
    const underWay = runs.filter(other => other.state === 'running' || other.state === 'verifying').length;
    const isPauseKept = pausedMs >= coolDownMs || end?.jumps !== scene.jumps;
    scene.expect(
      'actions: within attempts, pause and concurrency',
      acted.size <= attemptsMax && isPauseKept && underWay <= concurrentMax,
      () =>
        `run ${run.id}: attempt ${acted.size} of ${attemptsMax}, ${pausedMs} ms after the last of ${coolDownMs}, ${underWay} under way of ${concurrentMax}`,
    );
  }

  /** Looks at what a dead process left: a step in doubt may only be repeated where the playbook allows it. */
  onRestart(): void {
    const inDoubt = [...this.#scene.image.tables.runs.values()].some(
      run => run.state === 'running' && run.steps.at(-1)?.outcome === undefined,
    );
    if (inDoubt) this.#scene.looked('actions: repeated only if idempotent');
  }

  endChapter(): void {
    const scene = this.#scene;
    const told = new Set(
      scene.image.tables.journal
        .filter(event => event.stage === 'recovery' && event.subject.kind === 'run' && event.reason !== '')
        .map(event => `${event.subject.kind === 'run' ? event.subject.id : ''}|${event.verdict}`),
    );
    for (const done of this.#unexplained) {
      scene.expect(
        'explained: each action in the journal',
        told.has(`${done.runId}|running`),
        () => `${done.step} of run ${done.runId}`,
      );
    }
    this.#unexplained = [];
    const open = [...scene.image.tables.runs.values()].filter(
      run => run.state === 'running' || run.state === 'verifying' || run.state === 'unknown',
    );
    scene.expect(
      'quiet end: all resolved and drained',
      open.length === 0,
      () => `recovery runs are open: ${open.map(run => `${run.id} ${run.state}: ${run.reason}`).join('; ')}`,
    );
  }

  /** Whether something was done a moment ago: the best time to die. */
  get isActing(): boolean {
    return this.#scene.nowMs - this.#lastActionMs < 100;
  }
}

function isAbout(run: RecoveryRun, step: string): boolean {
  const last = run.steps.at(-1);
  return run.state === 'running' && last?.name === step && last.outcome === undefined;
}
