// One run: a plan carried out against the whole system, with the promises checked all along.

import { REGISTRIES, type System, startSystem } from '../../src/app/index.ts';
import type { ExecRequest } from '../../src/base/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import type { StateWrite } from '../../src/model/index.ts';
import { FakeClock, settle } from '../support/clock.ts';
import { FakeDisk } from '../support/disk.ts';
import { seededRandom } from '../support/random.ts';
import { StateImage } from '../support/state.ts';
import { ActionChecks } from './actions.ts';
import { AlertChecks } from './alerts.ts';
import {
  type BadConfig,
  badFile,
  type Change,
  CONFIG_PATH,
  changedVariant,
  configText,
  DATA_FOLDER,
  firstVariant,
  RULES_PATH,
  rulesText,
} from './config.ts';
import { Life, type LifeHooks } from './life.ts';
import { type Arrival, Outside } from './outside.ts';
import { CHAPTER_MS, makePlan, type SimEvent, type SimPlan } from './plan.ts';
import { PostedChecks } from './posted.ts';
import { olderThan, SampleChecks, type Snapshot, snapshotOf } from './samples.ts';
import { Scene } from './scene.ts';
import { type Fault, newTally, type Tally } from './tally.ts';

/** Between two looks of the checks that go on all the time. */
const SLICE_MS = 2000;
/** A trap (die at the n-th commit, at a message, at an action) that nothing stepped into is taken away. */
const TRAP_MS = 240_000;
/** A paused store looks each second whether it can go on; a failed sync or seal is tried again after some more. */
const DISK_NOTICED_MS = 10_000;
/** How often the pages that were taken are looked for in the store. */
const LOOK_EVERY_MS = 120_000;
/** Sync is due each second under `wal.ack: os`. */
const UNSYNCED_MS = 1001;

export interface SimResult {
  readonly seed: number;
  readonly plan: SimPlan;
  readonly tally: Tally;
  readonly failures: readonly string[];
  /** The last lines of the program's log. */
  readonly log: readonly string[];
}

export interface SimOptions {
  /** Writes and messages that contain this text (a fingerprint, a job) are put into the log. */
  readonly watch?: string;
}

export async function runSimulation(
  seed: number,
  minutes: number,
  options: SimOptions = {},
): Promise<SimResult> {
  const plan = makePlan(seed, minutes);
  const world = new World(plan, options.watch);
  try {
    await world.run();
  } catch (error) {
    world.scene.failures.push(
      `${world.scene.nowMs / 1000} s: it threw: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }
  const { tally, failures } = world.scene;
  return { seed, plan, tally, failures, log: world.lines };
}

type Trap =
  | { readonly kind: 'commit'; n: number; readonly when: 'before' | 'after' }
  | { readonly kind: 'message' }
  | { readonly kind: 'action' }
  | { readonly kind: 'disk'; readonly atCall: number };

const TRAP_FAULTS: Readonly<Record<Trap['kind'], Fault>> = {
  commit: 'kill -9 around a commit',
  message: 'kill -9 while a message is under way',
  action: 'kill -9 during an action',
  disk: 'kill -9 at a disk call',
};

/** Owns the outside, the images of disk and state, and the present life of the process. */
class World {
  readonly lines: string[] = [];
  readonly scene: Scene;
  readonly #plan: SimPlan;
  readonly #watched: string | undefined;
  readonly #clock = new FakeClock();
  readonly #disk: FakeDisk;
  readonly #outside: Outside;
  readonly #alerts: AlertChecks;
  readonly #posted: PostedChecks;
  readonly #actions: ActionChecks;
  readonly #samples: SampleChecks;
  readonly #lifeHooks: LifeHooks;
  #life: Life | undefined;
  #corpse: System | undefined;
  #restartAtMs = 0;
  #trap: { readonly trap: Trap; readonly downMs: number; readonly untilMs: number } | undefined;
  #before: { readonly snapshot: Snapshot; readonly how: 'kill' | 'power' } | undefined;
  #stateFailsUntilMs = 0;
  #diskFullUntilMs: number | undefined;
  #diskFailedAtMs = Number.NEGATIVE_INFINITY;
  readonly #diskFailsAtCalls = new Set<number>();
  #crashes = 0;
  #lookAtMs = LOOK_EVERY_MS;

  constructor(plan: SimPlan, watched: string | undefined) {
    this.#watched = watched;
    this.#plan = plan;
    this.#disk = new FakeDisk({ nowMs: () => this.#clock.nowMs() });
    this.scene = new Scene({
      plan,
      clock: this.#clock,
      tally: newTally(),
      image: new StateImage(),
      variant: firstVariant(plan),
    });
    this.#outside = new Outside({
      clock: this.#clock,
      random: seededRandom(plan.seed ^ 0x5eed),
      plan,
      hooks: {
        onArrival: arrival => this.#onArrival(arrival),
        onAction: request => this.#onAction(request),
      },
    });
    this.#alerts = new AlertChecks(this.scene, this.#outside);
    this.#posted = new PostedChecks(this.scene, this.#alerts);
    this.#actions = new ActionChecks(this.scene);
    this.#samples = new SampleChecks(this.scene);
    this.#lifeHooks = {
      dies: when => this.#diesAtCommit(when),
      diesAtDiskCall: () => this.#diesAtDiskCall(),
      kill: () => this.#die('kill'),
      stateFails: () => {
        if (this.scene.nowMs >= this.#stateFailsUntilMs) return false;
        this.scene.stateFailedAtMs = this.scene.nowMs;
        return true;
      },
      onWrites: (writes, committed) => {
        for (const write of writes) this.#watchWrite(write, committed);
        this.#alerts.onWrites(writes, committed);
        this.#actions.onWrites(writes, committed);
      },
      onScrape: (found, startedAtMs) => {
        this.scene.seen.set(found.instance, found.seen);
        if (found.seen.ok) this.scene.lastGood.set(found.instance, found.seen);
        if (found.seen.ok && !this.scene.isTimeTwofold && this.#isDiskWell()) {
          const { gauge, atMs } = found.seen;
          this.#samples.onPage({ instance: found.instance, startedAtMs, gauge, atMs });
        }
      },
    };
    this.#putConfig();
  }

  async run(): Promise<void> {
    const endMs = this.#plan.minutes * 60_000;
    let next = 0;
    let chapter = 1;
    while (this.scene.nowMs < endMs) {
      const { nowMs } = this.scene;
      while ((this.#plan.events[next]?.atMs ?? Infinity) <= nowMs) {
        await this.#happen(this.#plan.events[next] as SimEvent);
        next += 1;
      }
      await this.#slice(
        Math.min(SLICE_MS, (this.#plan.events[next]?.atMs ?? Infinity) - nowMs, endMs - nowMs),
      );
      if (this.scene.nowMs >= chapter * CHAPTER_MS) {
        await this.#endChapter();
        chapter += 1;
      }
    }
  }

  // --- time ---------------------------------------------------------------------------------------

  async #slice(ms: number): Promise<void> {
    if (this.#life === undefined && this.scene.nowMs >= this.#restartAtMs) await this.#start();
    await this.#clock.advance(Math.max(1, ms));
    const { nowMs } = this.scene;
    if (this.#corpse !== undefined) await this.#examine();
    if (this.#diskFullUntilMs !== undefined && nowMs >= this.#diskFullUntilMs) {
      this.#diskFullUntilMs = undefined;
      this.#diskFailedAtMs = nowMs;
      this.#disk.setFull(false);
    }
    if (!this.#isDiskWell()) this.scene.storageUnwellAtMs = nowMs;
    if (this.#trap !== undefined && nowMs > this.#trap.untilMs) this.#trap = undefined;
    const { system } = this.scene;
    if (system === undefined) return;
    this.#alerts.tick(system);
    this.#posted.tick(system);
    if (nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    const snapshot = await snapshotOf(system, this.#samples.oldestMs);
    if (snapshot !== undefined) this.#samples.checkPages(snapshot);
  }

  async #endChapter(): Promise<void> {
    const { system } = this.scene;
    if (system === undefined) {
      this.scene.fail('quiet end: all resolved and drained', 'the system does not run');
      return;
    }
    const snapshot = await snapshotOf(system);
    if (snapshot === undefined)
      this.scene.fail('store and state open after a crash', 'the store gives no answer');
    else this.#samples.checkPages(snapshot);
    this.#alerts.endChapter(system);
    this.#posted.endChapter(system);
    this.#actions.endChapter();
  }

  // --- life and death -----------------------------------------------------------------------------

  async #start(): Promise<void> {
    const { scene } = this;
    scene.life += 1;
    const life = new Life({
      number: scene.life,
      seed: this.#plan.seed,
      clock: this.#clock,
      disk: this.#disk,
      image: scene.image,
      outside: this.#outside,
      hooks: this.#lifeHooks,
      lines: this.lines,
    });
    this.#life = life;
    // Opening the image has applied what was committed and not synced.
    if (scene.life > 1) {
      this.#alerts.onRestart();
      this.#posted.onRestart();
      this.#actions.onRestart();
    }
    const wasDiskWell = this.#isDiskWell();
    let started: Awaited<ReturnType<typeof startSystem>> | undefined;
    void startSystem(life.ports, {
      dataFolder: DATA_FOLDER,
      effects: 'live',
      stock: false,
      load: () =>
        loadConfig({
          disk: life.ports.disk,
          env: {},
          paths: { watchkeeper: CONFIG_PATH },
          registries: REGISTRIES,
        }),
    }).then(result => {
      started = result;
    });
    await settle();
    for (let waited = 0; started === undefined && life.alive && waited < 100; waited++) {
      await this.#clock.advance(100);
    }
    // A trap may have killed it while it started.
    if (!life.alive) return;
    if (started?.ok !== true) {
      const problems = started === undefined ? 'it hangs' : started.error.problems.join('; ');
      const stateWell = scene.nowMs - scene.stateFailedAtMs > 2000;
      if (wasDiskWell && this.#isDiskWell() && stateWell)
        scene.fail('store and state open after a crash', problems);
      this.#die('kill');
      this.#restartAtMs = scene.nowMs + 5000;
      return;
    }
    scene.system = started.value;
    scene.startedAtMs = scene.nowMs;
    await this.#compareWithBefore(started.value);
  }

  async #compareWithBefore(system: System): Promise<void> {
    if (this.#crashes > 0) this.scene.looked('store and state open after a crash');
    this.#crashes = 0;
    const before = this.#before;
    this.#before = undefined;
    if (before === undefined) return;
    if (!(await this.#blocksAreThere(system))) return;
    const after = await snapshotOf(system);
    // A trap may have killed it while it answered.
    if (this.scene.system !== system) return;
    if (after === undefined) {
      if (this.#isDiskWell())
        this.scene.fail('store and state open after a crash', 'the store gives no answer');
    } else this.#samples.checkKept(before.snapshot, after, before.how);
  }

  /** A block that the disk refused at the start is left out and told of; it is there again once it can be read. */
  async #blocksAreThere(system: System): Promise<boolean> {
    if (system.store.stats().unreadable.length === 0) return true;
    void system.store.compactDue();
    await settle();
    const { unreadable } = system.store.stats();
    if (this.scene.system !== system) return false;
    if (unreadable.length > 0 && this.#isDiskWell())
      this.scene.fail('samples: all there after kill -9', `unreadable: ${unreadable.join(', ')}`);
    return unreadable.length === 0;
  }

  /** Synchronous: from here on nothing of this life has any effect. */
  #die(how: 'kill' | 'power', crashSeed = 0): void {
    const { life, scene } = { life: this.#life, scene: this.scene };
    if (life === undefined) return;
    life.alive = false;
    this.#life = undefined;
    scene.diedAtMs = scene.nowMs;
    this.#crashes += 1;
    if (how === 'power') {
      this.#disk.crash({ seed: crashSeed });
      life.state.losePower({ seed: crashSeed });
    } else {
      this.#disk.killProcess();
      life.state.killProcess();
      this.#corpse = scene.system;
    }
    scene.system = undefined;
    this.#alerts.disturbed();
    this.#restartAtMs = scene.nowMs + (this.#trap?.downMs ?? 1000);
    this.#trap = undefined;
  }

  /** What was readable in the moment of death is still in the dead process's memory. */
  async #examine(): Promise<void> {
    const corpse = this.#corpse;
    this.#corpse = undefined;
    if (corpse === undefined) return;
    const snapshot = await snapshotOf(corpse);
    // What is in memory only, while the store is paused, is shown and promised to nobody.
    const untilMs = corpse.store.stats().backlogFromMs;
    if (snapshot !== undefined) this.#before = { snapshot: olderThan(snapshot, untilMs), how: 'kill' };
    this.#samples.forgetPages();
  }

  // --- what a person asked to see -----------------------------------------------------------------

  #watch(text: string): void {
    if (this.#watched !== undefined && text.includes(this.#watched)) {
      this.lines.push(`${(this.scene.nowMs / 1000).toFixed(3)} watch ${text}`);
    }
  }

  #watchWrite(write: StateWrite, committed: boolean): void {
    if (this.#watched === undefined) return;
    const what =
      write.kind === 'journal'
        ? `${write.event.stage} ${write.event.verdict}: ${write.event.reason} ${write.event.alerts.join(' ')}`
        : JSON.stringify(write);
    this.#watch(`${committed ? 'writes' : 'cannot write'} ${write.kind} ${what}`);
  }

  // --- traps --------------------------------------------------------------------------------------

  #diesAtCommit(when: 'before' | 'after'): boolean {
    const trap = this.#trap?.trap;
    if (trap?.kind !== 'commit') return false;
    if (when === 'before') trap.n -= 1;
    if (trap.n > 0 || trap.when !== when) return false;
    this.scene.fault('kill -9 around a commit');
    return true;
  }

  #springs(kind: 'message' | 'action'): void {
    if (this.#trap?.trap.kind !== kind) return;
    this.scene.fault(TRAP_FAULTS[kind]);
    this.#die('kill');
  }

  /** Asked before each call of the disk. */
  #diesAtDiskCall(): boolean {
    const { calls } = this.#disk;
    for (const failing of this.#diskFailsAtCalls) {
      if (calls < failing - 1) continue;
      this.#diskFailsAtCalls.delete(failing);
      this.#diskFailedAtMs = this.scene.nowMs;
      this.#samples.forgetLastPages();
    }
    const trap = this.#trap?.trap;
    if (trap?.kind !== 'disk' || calls < trap.atCall) return false;
    this.scene.fault('kill -9 at a disk call');
    return true;
  }

  /** Whether the disk works and has done so long enough for the store to have noticed. */
  #isDiskWell(): boolean {
    return this.#diskFullUntilMs === undefined && this.scene.nowMs - this.#diskFailedAtMs > DISK_NOTICED_MS;
  }

  #onArrival(arrival: Arrival): void {
    const told = arrival.alerts.map(alert => `${alert.fingerprint} ${alert.status}`).join(', ');
    this.#watch(`arrives at ${arrival.receiver}, taken: ${arrival.taken}: ${arrival.jobId}: ${told}`);
    if (arrival.receiver === 'posts') this.#posted.onArrival(arrival);
    else this.#alerts.onArrival(arrival);
    this.#springs('message');
  }

  #onAction(request: ExecRequest): void {
    this.#actions.onAction(request);
    this.#springs('action');
  }

  // --- events -------------------------------------------------------------------------------------

  async #happen(event: SimEvent): Promise<void> {
    const { scene } = this;
    switch (event.kind) {
      case 'target':
        scene.fault(TARGET_FAULTS[event.how]);
        return this.#outside.breakTarget(event.target, event.how, event.forMs);
      case 'gauge':
        scene.fault('gauge over threshold');
        return this.#outside.raiseGauge(event.target, event.forMs);
      case 'receiver':
        scene.fault(RECEIVER_FAULTS[event.how]);
        return this.#outside.breakReceiver(event.receiver, event.how, event.forMs);
      case 'kill':
        if (this.#life === undefined) return;
        scene.fault('kill -9');
        this.#die('kill');
        this.#restartAtMs = scene.nowMs + event.downMs;
        return;
      case 'kill-at-commit':
        return this.#setTrap({ kind: 'commit', n: event.n, when: event.when }, event.downMs);
      case 'kill-at-disk-call':
        return this.#setTrap({ kind: 'disk', atCall: this.#disk.calls + event.n }, event.downMs);
      case 'kill-at-message':
        return this.#setTrap({ kind: 'message' }, event.downMs);
      case 'kill-at-action':
        return this.#setTrap({ kind: 'action' }, event.downMs);
      case 'power':
        return this.#losePower(event.crashSeed, event.downMs);
      case 'restart':
        return this.#restart();
      case 'disk-full':
        scene.fault('disk full');
        this.#disk.setFull(true);
        this.#diskFullUntilMs = scene.nowMs + event.forMs;
        return;
      case 'disk-fails':
        scene.fault('disk call fails');
        this.#disk.failAt(event.n);
        this.#diskFailsAtCalls.add(this.#disk.calls + event.n);
        return;
      case 'state-fails':
        scene.fault('state database fails');
        this.#stateFailsUntilMs = scene.nowMs + event.forMs;
        scene.outages.push({ fromMs: scene.nowMs, toMs: this.#stateFailsUntilMs });
        return;
      case 'jump':
        scene.fault(event.byMs > 0 ? 'clock jumps ahead' : 'clock jumps back');
        this.#clock.jump(event.byMs);
        scene.jumped(event.byMs);
        this.#alerts.disturbed();
        return;
      case 'reload':
        return this.#reload(event.change);
      case 'bad-reload':
        return this.#reloadBadly(event.how);
      case 'post':
        return this.#posted.post(event);
      case 'silence':
      case 'change-silence':
      case 'expire-silence':
        return this.#posted.silence(event);
    }
  }

  #setTrap(trap: Trap, downMs: number): void {
    this.#trap = { trap, downMs, untilMs: this.scene.nowMs + TRAP_MS };
  }

  async #losePower(seed: number, downMs: number): Promise<void> {
    const { system } = this.scene;
    if (system === undefined) return;
    // What is readable now was accepted more than a second before the lights go out.
    const shown = await snapshotOf(system);
    const snapshot = shown === undefined ? undefined : olderThan(shown, system.store.stats().backlogFromMs);
    await this.#slice(UNSYNCED_MS);
    if (this.#life === undefined || this.scene.system !== system) return;
    this.scene.fault('loss of power');
    this.#before = snapshot !== undefined && this.#isDiskWell() ? { snapshot, how: 'power' } : undefined;
    this.#die('power', seed);
    this.#samples.forgetPages();
    this.#restartAtMs = this.scene.nowMs + downMs;
  }

  async #restart(): Promise<void> {
    const { system } = this.scene;
    const life = this.#life;
    if (system === undefined || life === undefined) return;
    this.scene.fault('graceful restart');
    let stopped = false;
    this.scene.system = undefined;
    void system.stop().then(() => {
      stopped = true;
    });
    for (let waited = 0; !stopped && life.alive && waited < 300; waited++) await this.#clock.advance(100);
    if (!life.alive) return;
    if (!stopped) this.scene.fail('quiet end: all resolved and drained', 'the system does not stop');
    life.alive = false;
    this.#life = undefined;
    this.scene.diedAtMs = this.scene.nowMs;
    this.#samples.forgetPages();
    this.#alerts.disturbed();
    this.#restartAtMs = this.scene.nowMs;
  }

  // --- configuration ------------------------------------------------------------------------------

  #putConfig(): void {
    this.#disk.putFile(CONFIG_PATH, configText(this.#plan, this.scene.variant));
    this.#disk.putFile(RULES_PATH, rulesText(this.#plan));
  }

  async #reload(change: Change): Promise<void> {
    const { scene } = this;
    scene.variant = changedVariant(this.#plan, scene.variant, change);
    if (change === 'route' || change === 'back') this.#alerts.onRouteChange();
    this.#putConfig();
    this.#alerts.disturbed();
    const done = await this.#askReload();
    if (done === undefined) return;
    scene.fault('good reload');
    if (!done.ok && this.#isDiskWell())
      scene.fail('reload: a bad one changes nothing', done.problems.join('; '));
  }

  async #reloadBadly(how: BadConfig): Promise<void> {
    const { system } = this.scene;
    if (system === undefined) return;
    const bad = badFile(this.#plan, this.scene.variant, how);
    this.#disk.putFile(bad.path, bad.text);
    const before = system.configVersion();
    const done = await this.#askReload();
    this.#putConfig();
    if (done === undefined) return;
    this.scene.fault('bad reload');
    const changed = system.configVersion() !== before || system.rules.status().length !== 2;
    this.scene.expect('reload: a bad one changes nothing', !done.ok && !changed, () =>
      done.ok ? `the bad configuration (${how}) was taken` : 'the configuration in force changed',
    );
  }

  /** Undefined: it died meanwhile, or does not run. */
  async #askReload(): Promise<Awaited<ReturnType<System['reload']>> | undefined> {
    const { system } = this.scene;
    if (system === undefined) return undefined;
    let done: Awaited<ReturnType<System['reload']>> | undefined;
    void system.reload().then(outcome => {
      done = outcome;
    });
    await settle();
    for (let waited = 0; done === undefined && this.scene.system === system && waited < 100; waited++) {
      await this.#clock.advance(100);
    }
    return done;
  }
}

const TARGET_FAULTS = {
  refused: 'target refused',
  timeout: 'target timeout',
  garbage: 'target garbage page',
  status500: 'target status 500',
} as const satisfies Record<string, Fault>;

const RECEIVER_FAULTS = {
  refused: 'receiver refused',
  reject: 'receiver status 4xx',
  busy: 'receiver status 5xx with Retry-After',
  slow: 'receiver slow beyond deadline',
  'lost-answer': 'receiver takes it, answer lost',
} as const satisfies Record<string, Fault>;
