// The world outside the process: targets that answer pages, receivers that take messages, a program that repairs.
// It knows what is really the case, which the checks compare with what the system says.

import {
  type ExecRequest,
  err,
  type HttpRequest,
  type Mail,
  type MailMessage,
  ok,
  type Random,
  type Result,
  sleep,
} from '../../src/base/index.ts';
import type { FakeClock } from '../support/clock.ts';
import { FakeExec, type FakeExecAnswer } from '../support/exec.ts';
import { type FakeAnswer, FakeHttp } from '../support/http.ts';
import { FIX, GAUGE_LIMIT, HOOK_URL, instanceOf, POSTS_URL } from './config.ts';
import type { ActionOutcome, ReceiverFailure, ReceiverName, SimPlan, TargetFailure } from './plan.ts';

/** Of a page or an answer: short enough that no scrape is late. */
const LATENCY_MS_MAX = 80;
/** Beyond every deadline of an attempt or a scrape. */
const NEVER_MS = 300_000;
const RETRY_AFTER_SECONDS = 7;

export interface ToldAlert {
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved';
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

/** One message at the door of a receiver. */
export interface Arrival {
  readonly receiver: ReceiverName;
  readonly jobId: string;
  readonly groupKey: string;
  readonly marked: boolean;
  readonly alerts: readonly ToldAlert[];
  readonly atMs: number;
  /** The receiver took it. */
  readonly taken: boolean;
  /** The sender has heard so. */
  answered: boolean;
  /** After a crash its intent was found open. */
  openAtRestart: boolean;
}

/** What the last finished scrape of a target found. */
export interface Seen {
  readonly ok: boolean;
  readonly gauge: number;
  readonly atMs: number;
}

export interface OutsideHooks {
  onArrival(arrival: Arrival): void;
  onAction(request: ExecRequest): void;
}

interface Trouble<How> {
  readonly how: How;
  readonly untilMs: number;
}

export class Outside {
  readonly http: FakeHttp;
  readonly exec: FakeExec;
  readonly mail: Mail;
  readonly #clock: FakeClock;
  readonly #random: Random;
  readonly #plan: SimPlan;
  readonly #hooks: OutsideHooks;
  readonly #down = new Map<number, Trouble<TargetFailure>>();
  readonly #high = new Map<number, number>();
  readonly #receivers = new Map<ReceiverName, Trouble<ReceiverFailure>>();
  /** The value that the last page shows, by URL: a target is scraped once at a time. */
  readonly #shown = new Map<string, number>();
  readonly #instances = new Map<string, number>();
  readonly #mailArrivals = new WeakMap<MailMessage, Arrival>();
  /** The latest of each job. */
  readonly #hookArrivals = new Map<string, Arrival>();

  constructor(parts: {
    readonly clock: FakeClock;
    readonly random: Random;
    readonly plan: SimPlan;
    readonly hooks: OutsideHooks;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#plan = parts.plan;
    this.#hooks = parts.hooks;
    this.http = new FakeHttp(parts.clock);
    for (let i = 0; i < parts.plan.targets; i++) {
      this.#instances.set(instanceOf(i), i);
      this.http.on(`http://${instanceOf(i)}/`, request => this.#page(i, request));
    }
    this.http.on(HOOK_URL, request => this.#hook('hook', request));
    this.http.on(POSTS_URL, request => this.#hook('posts', request));
    this.exec = new FakeExec(parts.clock).on(FIX, request => this.#act(request));
    this.mail = { send: (message, signal) => this.#takeMail(message, signal) };
  }

  // --- trouble ------------------------------------------------------------------------------------

  breakTarget(target: number, how: TargetFailure, forMs: number): void {
    this.#down.set(target, { how, untilMs: this.#clock.monotonicMs() + forMs });
  }

  raiseGauge(target: number, forMs: number): void {
    this.#high.set(target, this.#clock.monotonicMs() + forMs);
  }

  breakReceiver(receiver: ReceiverName, how: ReceiverFailure, forMs: number): void {
    this.#receivers.set(receiver, { how, untilMs: this.#clock.monotonicMs() + forMs });
  }

  receiverWorks(receiver: ReceiverName): boolean {
    return current(this.#receivers.get(receiver), this.#clock.monotonicMs()) === undefined;
  }

  // --- what happened to a request -----------------------------------------------------------------

  /** Undefined for requests that are no scrapes. */
  scraped(
    request: HttpRequest,
    status: number | undefined,
  ): { instance: string; seen: Seen; failed: boolean } | undefined {
    const instance = new URL(request.url).host;
    if (!this.#instances.has(instance)) return undefined;
    const gauge = this.#shown.get(request.url);
    const good = status === 200 && gauge !== undefined;
    const seen = { ok: good, gauge: gauge ?? Number.NaN, atMs: this.#clock.monotonicMs() };
    return { instance, seen, failed: !good };
  }

  /** The sender has heard the answer. */
  hookAnswered(request: HttpRequest): void {
    const arrival = this.#hookArrivals.get(request.headers['x-watchkeeper-job'] ?? '');
    if (arrival !== undefined) arrival.answered = true;
  }

  mailAnswered(message: MailMessage): void {
    const arrival = this.#mailArrivals.get(message);
    if (arrival !== undefined) arrival.answered = true;
  }

  // --- targets ------------------------------------------------------------------------------------

  #page(target: number, request: HttpRequest): FakeAnswer {
    const nowMs = this.#clock.monotonicMs();
    this.#shown.delete(request.url);
    const latencyMs = 1 + (this.#random.uint32() % LATENCY_MS_MAX);
    const how = current(this.#down.get(target), nowMs);
    if (how === 'refused') return { error: 'http-refused', latencyMs };
    if (how === 'timeout') return { latencyMs: NEVER_MS };
    if (how === 'status500') return { status: 500, body: 'broken\n', latencyMs };
    if (how === 'garbage') return { body: 'sim_gauge 1\n<html>{not a page', latencyMs };
    const high = (this.#high.get(target) ?? 0) > nowMs;
    const gauge = (high ? GAUGE_LIMIT + 1 : 1) + (this.#random.uint32() % 15);
    this.#shown.set(request.url, gauge);
    const body = `# TYPE sim_gauge gauge\nsim_gauge ${gauge}\n# TYPE sim_ticks counter\nsim_ticks_total ${nowMs}\n`;
    return { body, latencyMs };
  }

  // --- receivers ----------------------------------------------------------------------------------

  #hook(receiver: 'hook' | 'posts', request: HttpRequest): FakeAnswer {
    const how = current(this.#receivers.get(receiver), this.#clock.monotonicMs());
    const latencyMs = 1 + (this.#random.uint32() % LATENCY_MS_MAX);
    if (how === 'refused') return { error: 'http-refused', latencyMs };
    if (how === 'slow') return { latencyMs: NEVER_MS };
    const body = JSON.parse(new TextDecoder().decode(request.body)) as {
      readonly groupKey: string;
      readonly alerts: readonly Readonly<Record<'status' | 'fingerprint' | 'startsAt' | 'endsAt', string>>[];
    };
    const arrival: Arrival = {
      receiver,
      jobId: request.headers['x-watchkeeper-job'] ?? '',
      groupKey: body.groupKey,
      marked: request.headers['x-watchkeeper-possible-repeat'] === 'true',
      alerts: body.alerts.map(alert => ({
        status: alert.status === 'resolved' ? 'resolved' : 'firing',
        fingerprint: alert.fingerprint,
        startsAtMs: Date.parse(alert.startsAt),
        endsAtMs: Date.parse(alert.endsAt),
      })),
      atMs: this.#clock.monotonicMs(),
      taken: how === undefined || how === 'lost-answer',
      answered: false,
      openAtRestart: false,
    };
    this.#hookArrivals.set(arrival.jobId, arrival);
    this.#hooks.onArrival(arrival);
    if (how === 'reject') return { status: 400, body: 'no', latencyMs };
    if (how === 'busy') {
      return {
        status: 503,
        headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
        body: 'busy',
        latencyMs,
      };
    }
    return how === 'lost-answer'
      ? { error: 'http-reset', latencyMs }
      : { status: 200, body: 'ok', latencyMs };
  }

  async #takeMail(message: MailMessage, signal?: AbortSignal): ReturnType<Mail['send']> {
    const how = current(this.#receivers.get('mail'), this.#clock.monotonicMs());
    const refuse = (code: 'mail-connect' | 'mail-timeout' | 'mail-rejected' | 'mail-temporary') =>
      err({ code, message: `Cannot send mail: ${code}` });
    const wait = how === 'slow' ? message.timeoutMs : 1 + (this.#random.uint32() % LATENCY_MS_MAX);
    if (how === 'refused' || how === 'slow') {
      await sleep(this.#clock, wait, signal);
      return refuse(how === 'slow' ? 'mail-timeout' : 'mail-connect');
    }
    const arrival = this.#readMail(message, how === undefined || how === 'lost-answer');
    this.#mailArrivals.set(message, arrival);
    this.#hooks.onArrival(arrival);
    const heard: Result<void, void> = (await sleep(this.#clock, wait, signal))
      ? ok(undefined)
      : err(undefined);
    if (!heard.ok || how === 'lost-answer') return refuse('mail-timeout');
    if (how === 'reject') return refuse('mail-rejected');
    return how === 'busy' ? refuse('mail-temporary') : ok('250 taken');
  }

  #readMail(message: MailMessage, taken: boolean): Arrival {
    const [groupKey = '', ...lines] = (message.text ?? '').trim().split('\n');
    return {
      receiver: 'mail',
      jobId: message.headers['X-Watchkeeper-Job'] ?? '',
      groupKey,
      marked: message.headers['X-Watchkeeper-Possible-Repeat'] === 'true',
      alerts: lines
        .map(line => line.trim().split(' '))
        .filter(words => words.length === 4)
        .map(([status, fingerprint = '', starts, ends]) => ({
          status: status === 'resolved' ? 'resolved' : 'firing',
          fingerprint,
          startsAtMs: Number(starts),
          endsAtMs: Number(ends),
        })),
      atMs: this.#clock.monotonicMs(),
      taken,
      answered: false,
      openAtRestart: false,
    };
  }

  // --- actions ------------------------------------------------------------------------------------

  #act(request: ExecRequest): FakeExecAnswer {
    this.#hooks.onAction(request);
    const { outcomes } = this.#plan.playbook;
    const outcome = outcomes[this.#random.uint32() % outcomes.length] as ActionOutcome;
    const durationMs = 200 + (this.#random.uint32() % 4000);
    const target = this.#instances.get(request.argv[1] ?? '') ?? -1;
    switch (outcome) {
      case 'repairs':
        this.#down.delete(target);
        this.#high.delete(target);
        return { stdout: 'repaired\n', durationMs };
      case 'useless':
        return { stdout: 'done\n', durationMs };
      case 'fails':
        return { exitCode: 1, stderr: 'unit is masked\n', durationMs };
      case 'hangs':
        return { durationMs: Number.POSITIVE_INFINITY };
      case 'missing':
        return { error: 'exec-not-found' };
    }
  }
}

function current<How>(trouble: Trouble<How> | undefined, nowMs: number): How | undefined {
  return trouble !== undefined && trouble.untilMs > nowMs ? trouble.how : undefined;
}
