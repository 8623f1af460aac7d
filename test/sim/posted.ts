// Alerts that others post, and silences: who posts, who silences, and what was promised to them. Promise 2 for those who are not
// rules: what was accepted is told, what is kept back is not, and what was answered about a silence holds after a crash.

import type { System } from '../../src/app/index.ts';
import {
  fingerprint,
  type Labels,
  labelsFrom,
  labelValue,
  type PostedAlert,
  type Silence,
  type SilenceDraft,
  silenceState,
} from '../../src/model/index.ts';
import type { AlertChecks } from './alerts.ts';
import { MUTED_MINUTES } from './config.ts';
import type { Arrival } from './outside.ts';
import type { PostedName, SimEvent } from './plan.ts';
import type { Scene } from './scene.ts';

/** As a Prometheus that sends again. */
const RENEW_MS = 30_000;
/** A message that was decided before something was kept back may arrive after it. */
const UNDER_WAY_MS = 5000;
/** A grouped commit is synced after some milliseconds: what was answered just before a loss of power may be gone. */
const UNSYNCED_MS = 100;

type PostEvent = SimEvent & { readonly kind: 'post' };
type SilenceEvent = SimEvent & { readonly kind: 'silence' | 'change-silence' | 'expire-silence' };

/** Somebody who posts one alert until it is over and its end was taken. */
interface Poster {
  readonly labels: Labels;
  readonly how: PostEvent['how'];
  readonly startsAtMs: number;
  readonly untilMs: number;
  /** Of one that posts once: the end that it posts. */
  readonly endsAtMs: number;
  postedAtMs: number;
}

/** `unknown`: the process died before it could write what it told. */
type Belief = 'firing' | 'resolved' | 'unknown';

interface Believed {
  readonly labels: Labels;
  readonly status: Belief;
  /** Of the message that said so. */
  readonly groupKey: string;
}

interface Acknowledged {
  readonly labels: Labels;
  readonly endsAtMs: number;
  readonly atMs: number;
  readonly jumps: number;
}

interface KnownArrival extends Arrival {
  readonly jumps: number;
}

/** Owns the posters, the silences as they were answered, and what the receiver of posted alerts was told. */
export class PostedChecks {
  readonly #scene: Scene;
  readonly #alerts: AlertChecks;
  readonly #posters = new Map<string, Poster>();
  readonly #acknowledged = new Map<string, Acknowledged>();
  /** Posted and not answered yet: a crash may have kept the new word or the old one. */
  readonly #underWay = new Set<string>();
  readonly #silences = new Map<string, Silence>();
  /** Wishes that were not answered yet: a crash may have kept them or not. */
  readonly #wishes = new Set<string>();
  readonly #beliefs = new Map<string, Believed>();
  readonly #labels = new Map<string, Labels>();
  readonly #freeSinceMs = new Map<string, number>();
  readonly #lastFreeMs = new Map<string, number>();
  readonly #endOwedSinceMs = new Map<string, number>();
  readonly #complained = new Set<string>();
  readonly #lastTaken = new Map<string, KnownArrival>();
  #arrivals: KnownArrival[] = [];
  #checkedLife = 0;

  constructor(scene: Scene, alerts: AlertChecks) {
    this.#scene = scene;
    this.#alerts = alerts;
  }

  // --- what people and programs do ------------------------------------------------------------------

  post(event: PostEvent): void {
    const { clock, nowMs } = this.#scene;
    this.#scene.fault('alert posted from outside');
    const labels = labelsOf(event.alert);
    const key = fingerprint(labels);
    this.#labels.set(key, labels);
    if (this.#posters.has(key)) return;
    this.#posters.set(key, {
      labels,
      how: event.how,
      startsAtMs: clock.nowMs(),
      untilMs: nowMs + event.forMs,
      endsAtMs: clock.nowMs() + event.forMs,
      postedAtMs: Number.NEGATIVE_INFINITY,
    });
    this.#postDue();
  }

  silence(event: SilenceEvent): void {
    const { system, clock } = this.#scene;
    if (system === undefined) return;
    const wallMs = clock.nowMs();
    if (event.kind === 'silence') {
      const matchers = [
        { name: 'job', op: '=', value: 'posted' } as const,
        { name: event.label, op: '=', value: event.value } as const,
      ];
      const startsAtMs = wallMs + event.inMs;
      this.#wish(system, {
        matchers,
        startsAtMs,
        endsAtMs: startsAtMs + event.forMs,
        createdBy: 'sim',
        comment: `until ${event.forMs}`,
      });
      return;
    }
    const all = [...this.#silences.values()];
    const known = all[event.which % Math.max(1, all.length)];
    if (known === undefined) return;
    if (event.kind === 'change-silence') {
      const { updatedAtMs: _, ...draft } = known;
      this.#wish(system, { ...draft, endsAtMs: wallMs + event.forMs });
    } else this.#expire(system, known.id);
  }

  #wish(system: System, draft: SilenceDraft): void {
    const wish = draft.id ?? '';
    this.#wishes.add(wish);
    void system.dispatcher.setSilence(draft).then(set => {
      this.#wishes.delete(wish);
      if (!set.ok) return;
      this.#scene.fault(draft.id === undefined ? 'silence made' : 'silence changed');
      this.#answered(system, set.value, draft.endsAtMs);
      if (wish !== '' && set.value !== wish) this.#noteSilence(system, wish);
    });
  }

  #expire(system: System, id: string): void {
    this.#wishes.add(id);
    void system.dispatcher.expireSilence(id).then(ended => {
      this.#wishes.delete(id);
      if (!ended.ok) return;
      this.#scene.fault('silence ended by hand');
      this.#answered(system, id, undefined);
    });
  }

  /** What is answered is on disk, and it is what was asked for. */
  #answered(system: System, id: string, endsAtMs: number | undefined): void {
    const scene = this.#scene;
    const silence = this.#noteSilence(system, id);
    const kept = scene.image.tables.silences.get(id);
    const isWanted =
      endsAtMs === undefined
        ? silence !== undefined && silence.endsAtMs <= scene.clock.nowMs()
        : silence?.endsAtMs === endsAtMs;
    scene.expect(
      'posted: silences are as they were answered',
      isWanted && JSON.stringify(kept) === JSON.stringify(silence),
      () => `${id}: in memory ${JSON.stringify(silence)}, on disk ${JSON.stringify(kept)}`,
    );
  }

  #noteSilence(system: System, id: string): Silence | undefined {
    const silence = system.dispatcher.silences().find(one => one.id === id);
    if (silence !== undefined) this.#silences.set(id, silence);
    return silence;
  }

  #postDue(): void {
    const { system, nowMs, clock } = this.#scene;
    if (system === undefined) return;
    for (const [key, poster] of this.#posters) {
      const isOver = poster.how !== 'once' && nowMs >= poster.untilMs;
      if (!isOver && nowMs - poster.postedAtMs < RENEW_MS) continue;
      poster.postedAtMs = nowMs;
      const wallMs = clock.nowMs();
      const { life, jumps } = this.#scene;
      const posts = postsOf(poster, { wallMs, isOver });
      this.#underWay.add(key);
      void system.dispatcher.receive(posts, wallMs).then(() => {
        if (this.#scene.life === life) this.#underWay.delete(key);
        if (this.#posters.get(key) !== poster || this.#scene.life !== life) return;
        const status = system.dispatcher.alertStatuses().find(one => one.alert.fingerprint === key);
        const endsAtMs = status?.alert.state === 'firing' ? status.validUntilMs : wallMs;
        const atMs = this.#scene.nowMs;
        this.#acknowledged.set(key, { labels: poster.labels, endsAtMs, atMs, jumps });
        if (isOver || poster.how === 'once') this.#posters.delete(key);
      });
    }
  }

  // --- as time goes on ------------------------------------------------------------------------------

  tick(system: System): void {
    const scene = this.#scene;
    if (this.#checkedLife !== scene.life) {
      this.#checkedLife = scene.life;
      this.#checkKept(system);
    }
    this.#postDue();
    const { nowMs } = scene;
    const firing = firingOf(system);
    const calmMs = this.#alerts.calmSinceMs;
    for (const key of this.#freeSinceMs.keys()) if (!firing.has(key)) this.#freeSinceMs.delete(key);
    for (const [key, labels] of firing) {
      if (!this.#isFree(system, key, labels)) {
        this.#freeSinceMs.delete(key);
        continue;
      }
      if (!this.#freeSinceMs.has(key)) this.#freeSinceMs.set(key, nowMs);
      const sinceMs = this.#freeSinceMs.get(key) ?? nowMs;
      const belief = this.#beliefs.get(key)?.status;
      if (belief === 'unknown') continue;
      if (belief === 'firing') {
        if (!this.#complained.has(key)) scene.looked('posted: delivered in time');
        this.#complained.delete(key);
      } else if (nowMs - Math.max(sinceMs, calmMs) > this.#alerts.boundMs && !this.#complained.has(key)) {
        this.#complained.add(key);
        scene.fail(
          'posted: delivered in time',
          `${labels.join(' ')} is free since ${sinceMs / 1000} s and nobody knows`,
        );
      }
    }
    for (const [key, { labels, status }] of this.#beliefs) {
      if (status === 'firing' && !firing.has(key)) this.#checkEnd(system, key, labels);
      else if (this.#endOwedSinceMs.delete(key) && status === 'resolved')
        scene.looked('posted: the end is told');
    }
  }

  /** What is kept back at its end is not told any more. */
  #checkEnd(system: System, key: string, labels: Labels): void {
    const scene = this.#scene;
    const { nowMs } = scene;
    this.#freeSinceMs.delete(key);
    if (!this.#isFree(system, key, labels)) {
      this.#beliefs.delete(key);
      this.#endOwedSinceMs.delete(key);
      return;
    }
    const sinceMs = this.#endOwedSinceMs.get(key) ?? nowMs;
    this.#endOwedSinceMs.set(key, sinceMs);
    if (nowMs - Math.max(sinceMs, this.#alerts.calmSinceMs) <= this.#alerts.boundMs) return;
    scene.fail('posted: the end is told', `${labels.join(' ')} is still believed to fire`);
    this.#beliefs.delete(key);
  }

  /** Whether nothing keeps an alert back now, by trying everything on it. */
  #isFree(system: System, key: string, labels: Labels): boolean {
    const wallMs = this.#scene.clock.nowMs();
    const severity = labelValue(labels, 'severity');
    const isSilenced = system.dispatcher
      .silences()
      .some(
        one =>
          silenceState(one, wallMs) === 'active' &&
          one.matchers.every(matcher => labelValue(labels, matcher.name) === matcher.value),
      );
    const isInhibited =
      severity === 'warning' &&
      [...firingOf(system).values()].some(
        other =>
          labelValue(other, 'severity') === 'critical' &&
          labelValue(other, 'zone') === labelValue(labels, 'zone'),
      );
    const minute = Math.floor(wallMs / 60_000) % 60;
    const isMuted = severity === 'info' && MUTED_MINUTES.some(([from, to]) => minute >= from && minute < to);
    const isFree = !isSilenced && !isInhibited && !isMuted;
    if (isFree) this.#lastFreeMs.set(key, this.#scene.nowMs);
    return isFree;
  }

  // --- messages -------------------------------------------------------------------------------------

  onArrival(arrival: Arrival): void {
    const scene = this.#scene;
    const { system, nowMs } = scene;
    const kept = Object.assign(arrival, { jumps: scene.jumps });
    const { groupKey } = arrival;
    if (arrival.taken) this.#forgetUnnamed(arrival);
    for (const alert of arrival.alerts) {
      const labels = this.#labels.get(alert.fingerprint);
      if (labels === undefined) continue;
      if (arrival.taken) this.#beliefs.set(alert.fingerprint, { labels, status: alert.status, groupKey });
      if (alert.status === 'resolved' || system === undefined) continue;
      if (nowMs - Math.max(scene.jumpedAtMs, scene.startedAtMs) < UNDER_WAY_MS) continue;
      const lastFreeMs = this.#lastFreeMs.get(alert.fingerprint) ?? Number.NEGATIVE_INFINITY;
      const isFree = this.#isFree(system, alert.fingerprint, labels) || nowMs - lastFreeMs <= UNDER_WAY_MS;
      scene.expect(
        'posted: not told while inhibited, silenced or muted',
        isFree,
        () => `the message ${arrival.jobId} tells of ${labels.join(' ')}`,
      );
    }
    if (!arrival.taken) return;
    const before = this.#lastTaken.get(arrival.groupKey);
    this.#lastTaken.set(arrival.groupKey, kept);
    this.#arrivals.push(kept);
    if (before !== undefined) this.#checkRepeat(kept, before);
  }

  /** A message names all of its group that fires: what it leaves out, since it is kept back, is not believed to fire any more. */
  #forgetUnnamed({ groupKey, alerts }: Arrival): void {
    for (const [key, believed] of this.#beliefs) {
      if (believed.groupKey !== groupKey || alerts.some(one => one.fingerprint === key)) continue;
      this.#beliefs.delete(key);
      this.#endOwedSinceMs.delete(key);
    }
  }

  #checkRepeat(arrival: KnownArrival, before: KnownArrival): void {
    const scene = this.#scene;
    const isSame = said(arrival) === said(before) && arrival.jumps === before.jumps;
    if (!isSame || scene.stateFailedBetween(before.atMs - 60_000, arrival.atMs)) return;
    const isDue = arrival.atMs - before.atMs >= scene.plan.repeatMs;
    const isUncertain =
      arrival.marked && (!before.answered || before.openAtRestart || this.#isInDoubt(arrival));
    scene.expect(
      'posted: no message repeated without its mark',
      isDue || isUncertain,
      () => `the message ${arrival.jobId} repeats ${before.jobId} of ${before.atMs / 1000} s`,
    );
  }

  /** Another message about the group may have arrived or not, and it may have said something else. */
  #isInDoubt({ groupKey, jobId }: Arrival): boolean {
    return [...this.#scene.image.tables.deliveries.values()].some(
      ({ intent, outcome }) =>
        outcome === undefined && intent.groupKey === groupKey && intent.jobId !== jobId,
    );
  }

  // --- crashes and ends -----------------------------------------------------------------------------

  onRestart(): void {
    const { deliveries } = this.#scene.image.tables;
    for (const arrival of this.#arrivals) {
      const known = deliveries.get(arrival.jobId);
      if (known !== undefined && known.outcome === undefined) arrival.openAtRestart = true;
    }
    // Nobody was answered, so posters post again.
    for (const poster of this.#posters.values()) poster.postedAtMs = Number.NEGATIVE_INFINITY;
    // What could not be written is not known to the new process: neither who was told nor that there was an alert.
    for (const [key, believed] of this.#beliefs) {
      const sinceMs = this.#acknowledged.get(key)?.atMs ?? 0;
      if (this.#scene.stateFailedBetween(sinceMs - 60_000, this.#scene.diedAtMs)) {
        this.#beliefs.set(key, { ...believed, status: 'unknown' });
      }
    }
    this.#endOwedSinceMs.clear();
  }

  #checkKept(system: System): void {
    const scene = this.#scene;
    if (scene.life === 1) return;
    const firing = firingOf(system);
    const wallMs = scene.clock.nowMs();
    for (const [key, { labels, endsAtMs, atMs, jumps }] of this.#acknowledged) {
      const isSure =
        !this.#underWay.has(key) &&
        endsAtMs > wallMs &&
        jumps === scene.jumps &&
        scene.diedAtMs - atMs > UNSYNCED_MS &&
        !scene.stateFailedBetween(atMs - 1000, scene.diedAtMs);
      if (!isSure) continue;
      scene.expect('posted: kept over a crash', firing.has(key), () => `${labels.join(' ')} is gone`);
    }
    this.#underWay.clear();
    const now = new Map(system.dispatcher.silences().map(one => [one.id, one]));
    for (const [id, silence] of this.#silences) {
      // The unanswered change of one may end it and make another.
      if (this.#wishes.has(id)) continue;
      const found = now.get(id);
      scene.expect(
        'posted: silences survive a crash',
        JSON.stringify(found) === JSON.stringify(silence),
        () => `it was ${JSON.stringify(silence)}, now it is ${JSON.stringify(found)}`,
      );
    }
    this.#wishes.clear();
    for (const [id, silence] of now) this.#silences.set(id, silence);
  }

  endChapter(system: System): void {
    const left = [...firingOf(system).values()].map(labels => labels.join(' '));
    const wrong = [...this.#beliefs].filter(([, one]) => one.status === 'firing').map(([key]) => key);
    this.#scene.expect(
      'quiet end: all resolved and drained',
      left.length + wrong.length + this.#posters.size === 0,
      () => `posted alerts [${left.join('; ')}], believed firing [${wrong.join(', ')}]`,
    );
    this.#arrivals = [];
    this.#lastTaken.clear();
    this.#acknowledged.clear();
  }
}

function labelsOf(name: PostedName): Labels {
  return labelsFrom({ alertname: 'Posted', job: 'posted', ...name });
}

function postsOf(
  poster: Poster,
  at: { readonly wallMs: number; readonly isOver: boolean },
): readonly PostedAlert[] {
  const { labels, how, startsAtMs } = poster;
  const one = { labels, annotations: labelsFrom({ summary: 'posted' }), startsAtMs, generatorUrl: '' };
  // A wall clock that was set back must not make an end before its start.
  const endsAtMs = Math.max(startsAtMs, at.wallMs);
  if (at.isOver) return [{ ...one, endsAtMs }];
  if (how === 'once') return [{ ...one, endsAtMs: poster.endsAtMs }];
  if (how === 'renewed') return [one];
  return [one, { ...one, startsAtMs: startsAtMs + 2000, endsAtMs: endsAtMs + 3 * RENEW_MS }];
}

function firingOf(system: System): ReadonlyMap<string, Labels> {
  return new Map(
    system.dispatcher
      .alertStatuses()
      .filter(({ alert }) => alert.state === 'firing' && labelValue(alert.labels, 'job') === 'posted')
      .map(({ alert }) => [alert.fingerprint, alert.labels]),
  );
}

/** Which alerts a message is about, and what it says of them. */
function said(arrival: Arrival): string {
  return arrival.alerts
    .map(one =>
      [one.fingerprint, one.status, one.startsAtMs, one.status === 'resolved' ? one.endsAtMs : ''].join(' '),
    )
    .sort()
    .join('\n');
}
