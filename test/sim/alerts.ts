// Promise 2 and 4 for messages: no alert lost, none repeated without its mark, none resolved that is not, all explained.

import type { System } from '../../src/app/index.ts';
import { type Alert, labelValue, type StateWrite } from '../../src/model/index.ts';
import { GAUGE_LIMIT, instanceOf } from './config.ts';
import type { Arrival, Outside } from './outside.ts';
import type { ReceiverName } from './plan.ts';
import type { Scene } from './scene.ts';

/** Those that hear of the rules' alerts; who hears of posted ones is looked at apart. */
const RECEIVERS: readonly ReceiverName[] = ['hook', 'mail'];
/** As alerting's longest hold, and some for its tick. */
const HOLD_MS = 10 * 60_000;
/** A state database that works again has got what it was owed after this. */
const STATE_HEALED_MS = 10_000;
/** As rules': how long an alert that ended is sent again. */
const RESOLVED_RETENTION_MS = 15 * 60_000;
const LOOKBACK_MS = 300_000;
/** The longest pause between two attempts, and ticks. */
const PAUSES_MS = 120_000;

interface KnownArrival extends Arrival {
  readonly wallMs: number;
  /** Jumps of the wall clock before it. */
  readonly jumps: number;
}

interface Episode {
  readonly startsAtMs: number;
  readonly firstSeenMs: number;
  releasedAtMs: number | undefined;
  readonly complained: Set<ReceiverName>;
  readonly delivered: Set<ReceiverName>;
}

/** Owns what each receiver was told and what the rules said. */
export class AlertChecks {
  readonly #scene: Scene;
  readonly #outside: Outside;
  #arrivals: KnownArrival[] = [];
  readonly #lastTaken = new Map<string, KnownArrival>();
  /** By receiver and fingerprint: what it was told last, and since when that is wrong. */
  readonly #beliefs = new Map<string, 'firing' | 'resolved'>();
  /** Start of the episode that it was told of. */
  readonly #believedSince = new Map<string, number>();
  /** Jobs of which the next process cannot know. */
  readonly #unknowable = new Set<string>();
  readonly #endOwedSinceMs = new Map<string, number>();
  readonly #episodes = new Map<string, Episode>();
  readonly #rules = new Map<string, Alert>();
  readonly #resolvedTimes = new Map<string, Set<number>>();
  readonly #disturbedMs = new Map<ReceiverName, number>();
  readonly #brokenSinceMs = new Map<ReceiverName, number>();
  readonly #undelivered = new Set<string>();
  #allDisturbedMs = 0;

  constructor(scene: Scene, outside: Outside) {
    this.#scene = scene;
    this.#outside = outside;
  }

  /** Something happened that may put deliveries off: waits are counted from here. */
  disturbed(): void {
    this.#allDisturbedMs = this.#scene.nowMs;
  }

  /** Since when nothing put deliveries off. */
  get calmSinceMs(): number {
    return this.#allDisturbedMs;
  }

  /** The time after which an alert must have been told, on a calm day. */
  get boundMs(): number {
    const { plan, variant } = this.#scene;
    return plan.groupWaitMs + 2 * Math.max(variant.groupIntervalMs, plan.groupIntervalMs) + PAUSES_MS;
  }

  // --- what the system writes ---------------------------------------------------------------------

  onWrites(writes: readonly StateWrite[], committed: boolean): void {
    for (const write of writes) {
      if (write.kind === 'rule_alerts') for (const alert of write.alerts) this.#ruleSaid(alert);
      if (write.kind !== 'journal' || !committed) continue;
      const { stage, verdict, subject, alerts } = write.event;
      if (stage !== 'notify' || verdict !== 'undelivered' || subject.kind !== 'receiver') continue;
      for (const one of alerts) this.#undelivered.add(`${subject.name.split('/')[0]}|${one}`);
    }
  }

  #ruleSaid(alert: Alert): void {
    const before = this.#rules.get(alert.fingerprint);
    this.#rules.set(alert.fingerprint, alert);
    if (alert.state !== 'resolved' || alert.resolvedAtMs === undefined) return;
    const times = this.#resolvedTimes.get(alert.fingerprint) ?? new Set();
    this.#resolvedTimes.set(alert.fingerprint, times.add(alert.resolvedAtMs));
    if (before === undefined || (before.state !== 'firing' && before.state !== 'unknown')) return;
    this.#checkResolved(alert);
  }

  #checkResolved(alert: Alert): void {
    const scene = this.#scene;
    const instance = labelValue(alert.labels, 'instance');
    const alertname = labelValue(alert.labels, 'alertname');
    const configured = Array.from({ length: scene.variant.targets }, (_, i) => instanceOf(i));
    // A target that left the configuration takes its alerts with it, saying so.
    if (!configured.includes(instance) || scene.isTimeTwofold) return;
    const really = scene.holds(alertname, instance);
    if (!scene.plan.noDataUnknown && scene.isDataThin) return;
    const says = () =>
      `${alertname} of ${instance} is called resolved ("${alert.reason}"), really: ${really}`;
    scene.expect('alerts: not resolved while the condition holds', really !== 'yes', says);
    const seenMs = scene.seen.get(instance)?.atMs ?? Number.NEGATIVE_INFINITY;
    // A sample says how things are for as long as PromQL looks back.
    const fresh = scene.nowMs - seenMs <= LOOKBACK_MS + scene.plan.scrapeMs;
    if (!scene.plan.noDataUnknown) return;
    // After a start nothing marked the last sample of the former process as stale: it stands for as long as that.
    const was = scene.lastGood.get(instance);
    const stands = was !== undefined && was.atMs < scene.startedAtMs && was.gauge <= GAUGE_LIMIT;
    const known = really === 'no' || (really === 'missing' && stands);
    scene.expect('alerts: not resolved while data is missing', known && fresh, says);
  }

  // --- messages -----------------------------------------------------------------------------------

  onArrival(arrival: Arrival): void {
    const scene = this.#scene;
    const kept = Object.assign(arrival, {
      wallMs: scene.clock.nowMs(),
      jumps: scene.jumps,
    });
    const stateFailed = scene.stateFailedBetween(scene.nowMs - 120_000, scene.nowMs);
    const intent = scene.image.tables.deliveries.has(arrival.jobId);
    scene.expect('explained: intent before the message', intent || (stateFailed && arrival.marked), () =>
      words(arrival, 'has no committed intent'),
    );
    for (const alert of arrival.alerts) {
      if (alert.status === 'resolved') {
        const known = this.#resolvedTimes.get(alert.fingerprint)?.has(alert.endsAtMs) === true;
        scene.expect('alerts: not resolved while the condition holds', known, () =>
          words(arrival, `says that ${alert.fingerprint} ended at ${alert.endsAtMs}, and no rule said so`),
        );
      } else if (arrival.receiver === 'mail') this.#checkHold(arrival, alert);
    }
    if (arrival.taken) this.#taken(kept);
    this.#arrivals.push(kept);
  }

  #taken(arrival: KnownArrival): void {
    const key = `${arrival.receiver}|${arrival.groupKey}`;
    const before = this.#lastTaken.get(key);
    this.#lastTaken.set(key, arrival);
    for (const alert of arrival.alerts) {
      const key = `${arrival.receiver}|${alert.fingerprint}`;
      this.#beliefs.set(key, alert.status);
      this.#believedSince.set(key, alert.startsAtMs);
    }
    if (before !== undefined) this.#checkRepeat(arrival, before);
  }

  #checkRepeat(arrival: KnownArrival, before: KnownArrival): void {
    const scene = this.#scene;
    if (said(arrival) !== said(before) || arrival.jumps !== before.jumps) return;
    if (this.#unknowable.has(before.jobId)) return;
    if (arrival.atMs - before.atMs >= scene.plan.repeatMs) {
      scene.looked('alerts: no message repeated without its mark');
      return;
    }
    const stateFailed = scene.stateFailedBetween(before.atMs, arrival.atMs);
    const uncertain = !before.answered || before.openAtRestart || stateFailed;
    scene.expect('alerts: no message repeated without its mark', arrival.marked, () =>
      words(arrival, `repeats ${before.jobId} of ${before.atMs / 1000} s without a mark`),
    );
    scene.expect('alerts: a repeat is marked and has its cause', uncertain, () =>
      words(arrival, `repeats ${before.jobId} of ${before.atMs / 1000} s, which surely arrived`),
    );
  }

  /** A message of the route that waits for recovery, about an alert that this receiver had not heard of. */
  #checkHold(arrival: Arrival, alert: Arrival['alerts'][number]): void {
    const scene = this.#scene;
    const { fingerprint, startsAtMs } = alert;
    const heard = this.#arrivals.some(
      one => one.receiver === 'mail' && one.alerts.some(other => other.fingerprint === fingerprint),
    );
    if (heard || this.#beliefs.get(`mail|${fingerprint}`) === 'firing') return;
    if (scene.nowMs - scene.jumpedAtMs < 2 * HOLD_MS) return;
    const released = this.#mayRelease(fingerprint, startsAtMs);
    const heldMs = scene.clock.nowMs() - startsAtMs;
    scene.expect('alerts: told after recovery failed, not before', released || heldMs >= HOLD_MS, () =>
      words(arrival, `tells of ${fingerprint} after ${heldMs / 1000} s although recovery is under way`),
    );
  }

  #latestRun(fingerprint: string, sinceMs: number) {
    return [...this.#scene.image.tables.runs.values()]
      .filter(run => run.fingerprint === fingerprint && run.proposedAtMs >= sinceMs)
      .sort((a, b) => b.proposedAtMs - a.proposedAtMs)[0];
  }

  #mayRelease(fingerprint: string, sinceMs: number): boolean {
    const alert = this.#rules.get(fingerprint);
    if (alert !== undefined && labelValue(alert.labels, 'alertname') !== this.#scene.plan.playbook.alert)
      return true;
    const state = this.#latestRun(fingerprint, sinceMs)?.state;
    return state === 'escalated' || state === 'blocked';
  }

  // --- as time goes on ----------------------------------------------------------------------------

  /** Looks at all alerts and receivers while the system runs. */
  tick(system: System): void {
    const scene = this.#scene;
    const { nowMs } = scene;
    if (nowMs - scene.stateFailedAtMs < 2000) this.disturbed();
    for (const receiver of RECEIVERS) this.#watchReceiver(receiver);
    const firing = new Map(
      system.rules
        .alerts()
        .filter(alert => alert.state === 'firing' || alert.state === 'unknown')
        .map(alert => [alert.fingerprint, alert]),
    );
    for (const [fingerprint, alert] of firing) this.#owed(fingerprint, alert);
    // A target that delivers for a while and falls silent again is news, though the message reads as the one before.
    for (const [key, { groupKey, alerts }] of this.#lastTaken) {
      if (!groupKey.startsWith('unknown:')) continue;
      if (alerts.some(one => firing.get(one.fingerprint)?.state !== 'unknown')) this.#lastTaken.delete(key);
    }
    for (const [fingerprint, episode] of this.#episodes) {
      if (firing.has(fingerprint)) continue;
      this.#episodes.delete(fingerprint);
      const run = this.#latestRun(fingerprint, episode.startsAtMs);
      const mailed = this.#beliefs.get(`mail|${fingerprint}`) === 'firing';
      if (run?.state === 'recovered' && !mailed) scene.looked('alerts: not told when recovery worked');
    }
    for (const [key, belief] of this.#beliefs) {
      const [receiver, fingerprint = ''] = key.split('|') as [ReceiverName, string];
      if (belief === 'resolved' || firing.has(fingerprint)) {
        if (this.#endOwedSinceMs.delete(key) && belief === 'resolved')
          scene.looked('alerts: the end is told');
        continue;
      }
      const sinceMs = Math.max(
        this.#endOwedSinceMs.get(key) ?? nowMs,
        this.#allDisturbedMs,
        this.#disturbedMs.get(receiver) ?? 0,
      );
      this.#endOwedSinceMs.set(key, this.#endOwedSinceMs.get(key) ?? nowMs);
      if (nowMs - sinceMs <= this.boundMs) continue;
      scene.fail('alerts: the end is told', `${receiver} still believes that ${fingerprint} fires`);
      this.#beliefs.delete(key);
    }
  }

  #watchReceiver(receiver: ReceiverName): void {
    const { nowMs } = this.#scene;
    if (this.#outside.receiverWorks(receiver)) this.#brokenSinceMs.delete(receiver);
    else {
      this.#disturbedMs.set(receiver, nowMs);
      this.#brokenSinceMs.set(receiver, this.#brokenSinceMs.get(receiver) ?? nowMs);
    }
  }

  #owed(fingerprint: string, alert: Alert): void {
    const scene = this.#scene;
    const { nowMs } = scene;
    const startsAtMs = alert.firedAtMs ?? alert.activeAtMs;
    let episode = this.#episodes.get(fingerprint);
    if (episode === undefined) {
      episode = {
        startsAtMs,
        firstSeenMs: nowMs,
        releasedAtMs: undefined,
        complained: new Set(),
        delivered: new Set(),
      };
      this.#episodes.set(fingerprint, episode);
    }
    const handed = this.#latestRun(fingerprint, startsAtMs)?.state;
    const released =
      handed === 'escalated' ||
      handed === 'blocked' ||
      labelValue(alert.labels, 'alertname') !== scene.plan.playbook.alert ||
      nowMs - episode.firstSeenMs > HOLD_MS + scene.variant.groupIntervalMs;
    if (released) episode.releasedAtMs ??= nowMs;
    for (const receiver of RECEIVERS) {
      if (this.#beliefs.get(`${receiver}|${fingerprint}`) === 'firing') {
        if (!episode.delivered.has(receiver)) scene.looked('alerts: delivered in time');
        episode.delivered.add(receiver);
        continue;
      }
      const dueMs = receiver === 'mail' ? episode.releasedAtMs : episode.firstSeenMs;
      if (dueMs === undefined || episode.complained.has(receiver)) continue;
      this.#late({ receiver, fingerprint, episode, dueMs });
    }
  }

  #late(at: {
    readonly receiver: ReceiverName;
    readonly fingerprint: string;
    readonly episode: Episode;
    readonly dueMs: number;
  }): void {
    const scene = this.#scene;
    const { nowMs } = scene;
    const calmMs = Math.max(at.dueMs, this.#allDisturbedMs);
    const brokenMs = this.#brokenSinceMs.get(at.receiver);
    if (brokenMs !== undefined) {
      if (nowMs - Math.max(calmMs, brokenMs) <= this.boundMs) return;
      at.episode.complained.add(at.receiver);
      const said = this.#undelivered.has(`${at.receiver}|${at.fingerprint}`);
      scene.expect(
        'alerts: undelivered is journaled',
        said,
        () => `nothing is said of ${at.fingerprint} for ${at.receiver}, which does not work`,
      );
      return;
    }
    if (nowMs - Math.max(calmMs, this.#disturbedMs.get(at.receiver) ?? 0) <= this.boundMs) return;
    at.episode.complained.add(at.receiver);
    scene.fail(
      'alerts: delivered in time',
      `${at.fingerprint} fires since ${at.episode.firstSeenMs / 1000} s and ${at.receiver} does not know`,
    );
  }

  /**
   * A reload moves an alert to another group. What its receiver heard of the same episode moves along; of an earlier one,
   * whose end could not be told, it does not: the new episode counts as news, and is told of if the receiver works.
   */
  onRouteChange(): void {
    for (const [key, startsAtMs] of this.#believedSince) {
      const episode = this.#episodes.get(key.split('|')[1] ?? '');
      if (episode !== undefined && episode.startsAtMs !== startsAtMs) this.#beliefs.delete(key);
    }
  }

  // --- crashes and ends ---------------------------------------------------------------------------

  onRestart(): void {
    const { deliveries, ruleAlerts } = this.#scene.image.tables;
    for (const arrival of this.#arrivals) {
      const known = deliveries.get(arrival.jobId);
      if (known !== undefined && known.outcome === undefined) arrival.openAtRestart = true;
      const lost = this.#isUnwritten(arrival);
      if (!arrival.taken || !lost) continue;
      // It died before it could write what it told: nobody can know.
      arrival.openAtRestart = true;
      this.#unknowable.add(arrival.jobId);
      for (const alert of arrival.alerts) this.#forgetUnlessKnown(arrival.receiver, alert.fingerprint);
    }
    // A loss of power may have taken what the rules said last.
    this.#rules.clear();
    for (const alerts of ruleAlerts.values()) for (const one of alerts) this.#rules.set(one.fingerprint, one);
    const nowWallMs = this.#scene.clock.nowMs();
    for (const [fingerprint, times] of this.#resolvedTimes) {
      // As in Prometheus, rules forget an alert that ended long ago: after a restart nobody can tell of it any more.
      if (this.#rules.has(fingerprint) || nowWallMs - Math.max(...times) < RESOLVED_RETENTION_MS) continue;
      for (const receiver of RECEIVERS) this.#beliefs.delete(`${receiver}|${fingerprint}`);
    }
    this.disturbed();
  }

  /** One outage of the state database covers both the delivery and the death: nothing of it is on disk. */
  #isUnwritten(arrival: KnownArrival): boolean {
    const { diedAtMs, outages } = this.#scene;
    return outages.some(
      ({ fromMs, toMs }) =>
        fromMs <= arrival.atMs + 30_000 &&
        toMs >= arrival.atMs &&
        diedAtMs >= fromMs &&
        diedAtMs <= toMs + STATE_HEALED_MS,
    );
  }

  /** Its end is told where both are on disk: that the receiver was told, and that the rule had said so. */
  #forgetUnlessKnown(receiver: ReceiverName, fingerprint: string): void {
    const { log, ruleAlerts } = this.#scene.image.tables;
    const isLogged = [...log.values()].some(
      entry => entry.receiver.startsWith(`${receiver}/`) && entry.firing.includes(fingerprint),
    );
    const isSaid = [...ruleAlerts.values()].some(alerts =>
      alerts.some(one => one.fingerprint === fingerprint && one.state !== 'pending'),
    );
    if (!isLogged || !isSaid) this.#beliefs.delete(`${receiver}|${fingerprint}`);
  }

  /** After a quiet time nothing may be open, and everything that was sent is in the journal. */
  endChapter(system: System): void {
    const scene = this.#scene;
    const left = system.rules.alerts().map(alert => `${alert.fingerprint} ${alert.state}: ${alert.reason}`);
    // An intent in doubt whose alert is gone is closed a day later; until then it must be about nothing that matters.
    const open = [...scene.image.tables.deliveries.values()].filter(
      ({ outcome, intent }) =>
        outcome === undefined &&
        [...intent.firing, ...intent.resolved].some(
          one => this.#beliefs.get(`${intent.receiver.split('/')[0]}|${one}`) === 'firing',
        ),
    );
    const wrong = [...this.#beliefs].filter(([, belief]) => belief === 'firing').map(([key]) => key);
    scene.expect(
      'quiet end: all resolved and drained',
      left.length + open.length + wrong.length === 0,
      () =>
        `alerts [${left.join('; ')}], intents [${open.map(one => one.intent.jobId).join(', ')}], believed firing [${wrong.join(', ')}]`,
    );
    const journal = scene.image.tables.journal.filter(event => event.stage === 'notify');
    for (const arrival of this.#arrivals) {
      if (!arrival.taken || scene.stateFailedBetween(arrival.atMs, arrival.atMs + 30_000)) continue;
      scene.expect('explained: each message in the journal', isTold(journal, arrival, scene.jumps), () =>
        words(arrival, `of ${arrival.atMs / 1000} s is not in the journal`),
      );
    }
    this.#arrivals = [];
    this.#lastTaken.clear();
    this.#undelivered.clear();
  }
}

function isTold(
  journal: Scene['image']['tables']['journal'],
  arrival: KnownArrival,
  jumpsNow: number,
): boolean {
  const { wallMs, receiver, jobId } = arrival;
  return journal.some(event => {
    if (event.reason === '') return false;
    if (event.evidence['jobId'] === jobId) return true;
    // An unchanged repeat is counted on the event before it.
    const about = arrival.alerts.every(alert => event.alerts.includes(alert.fingerprint));
    if (!about || event.repeats === 0) return false;
    const mine =
      event.subject.kind === 'receiver'
        ? event.subject.name.startsWith(`${receiver}/`)
        : event.verdict === 'interrupted';
    return mine && (event.lastAtMs >= wallMs - 1000 || arrival.jumps !== jumpsNow);
  });
}

/** Which alerts a message is about, and what it says of them. */
function said(arrival: Arrival): string {
  return arrival.alerts
    .map(
      alert =>
        `${alert.fingerprint} ${alert.status} ${alert.startsAtMs} ${alert.status === 'resolved' ? alert.endsAtMs : ''}`,
    )
    .sort()
    .join('\n');
}

function words(arrival: Arrival, what: string): string {
  return `the message ${arrival.jobId} to ${arrival.receiver} ${what}`;
}
