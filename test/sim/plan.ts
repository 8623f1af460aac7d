// From a seed to a plan: the configuration's choices and the script of what goes wrong when. Plain data, so that a
// failing run can be printed and looked at.

import { seededRandom } from '../support/random.ts';
import type { BadConfig, Change } from './config.ts';

export type TargetFailure = 'refused' | 'timeout' | 'garbage' | 'status500';
export type ReceiverFailure = 'refused' | 'reject' | 'busy' | 'slow' | 'lost-answer';
export type ReceiverName = 'hook' | 'mail' | 'posts';
export type ActionOutcome = 'repairs' | 'fails' | 'hangs' | 'useless' | 'missing';

/** What happens, `atMs` of monotonic time after the start. */
export type SimEvent = { readonly atMs: number } & (
  | { readonly kind: 'target'; readonly target: number; readonly how: TargetFailure; readonly forMs: number }
  | { readonly kind: 'gauge'; readonly target: number; readonly forMs: number }
  | {
      readonly kind: 'receiver';
      readonly receiver: ReceiverName;
      readonly how: ReceiverFailure;
      readonly forMs: number;
    }
  | { readonly kind: 'kill'; readonly downMs: number }
  | {
      readonly kind: 'kill-at-commit';
      readonly n: number;
      readonly when: 'before' | 'after';
      readonly downMs: number;
    }
  | { readonly kind: 'kill-at-disk-call'; readonly n: number; readonly downMs: number }
  | { readonly kind: 'kill-at-message'; readonly downMs: number }
  | { readonly kind: 'kill-at-action'; readonly downMs: number }
  | { readonly kind: 'power'; readonly downMs: number; readonly crashSeed: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'disk-full'; readonly forMs: number }
  | { readonly kind: 'disk-fails'; readonly n: number }
  | { readonly kind: 'state-fails'; readonly forMs: number }
  | { readonly kind: 'jump'; readonly byMs: number }
  | { readonly kind: 'reload'; readonly change: Change }
  | { readonly kind: 'bad-reload'; readonly how: BadConfig }
  /** Somebody else posts an alert: again and again until its end, or once. */
  | {
      readonly kind: 'post';
      readonly alert: PostedName;
      readonly how: 'renewed' | 'once' | 'replicas';
      readonly forMs: number;
    }
  | {
      readonly kind: 'silence';
      readonly label: keyof PostedName;
      readonly value: string;
      readonly inMs: number;
      readonly forMs: number;
    }
  /** Of those that there are, counted from the oldest. */
  | { readonly kind: 'change-silence'; readonly which: number; readonly forMs: number }
  | { readonly kind: 'expire-silence'; readonly which: number }
);

export interface PostedName {
  readonly instance: string;
  readonly zone: string;
  readonly severity: string;
}

export interface SimPlan {
  readonly seed: number;
  readonly minutes: number;
  readonly targets: number;
  readonly scrapeMs: number;
  readonly evaluationMs: number;
  /** Missing data is `unknown`, or Prometheus's semantics. */
  readonly noDataUnknown: boolean;
  readonly downForMs: number;
  readonly highForMs: number;
  readonly groupBy: readonly string[];
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatMs: number;
  readonly playbook: {
    readonly alert: 'TargetDown' | 'GaugeHigh';
    readonly steps: number;
    readonly idempotent: boolean;
    readonly attemptsMax: number;
    readonly coolDownMs: number;
    readonly concurrentMax: number;
    readonly withinMs: number;
    /** Drawn from for each action. */
    readonly outcomes: readonly ActionOutcome[];
  };
  /** In the order of time. */
  readonly events: readonly SimEvent[];
}

/** A chapter has its troubles first and then peace, at whose end everything must have come to rest. */
export const CHAPTER_MS = 30 * 60_000;
const TROUBLES_END_MS = 16 * 60_000;
/** A jump back leaves times that were lived through twice; those must be over before the end of the chapter. */
const JUMP_BACK_MS_MAX = 4 * 60_000;
const JUMP_AHEAD_MS_MAX = 9 * 60_000;

type Draw = ReturnType<typeof drawFrom>;

function drawFrom(seed: number) {
  const random = seededRandom(seed);
  const int = (from: number, to: number): number => from + (random.uint32() % (to - from + 1));
  return {
    int,
    chance: (share: number): boolean => random.float() < share,
    pick: <T>(list: readonly T[]): T => list[random.uint32() % list.length] as T,
    seconds: (from: number, to: number): number => int(from, to) * 1000,
  };
}

export function makePlan(seed: number, minutes: number): SimPlan {
  const draw = drawFrom(seed);
  const chapters = Math.max(1, Math.round((minutes * 60_000) / CHAPTER_MS));
  const targets = draw.int(2, 6);
  const settings = {
    seed,
    minutes: (chapters * CHAPTER_MS) / 60_000,
    targets,
    scrapeMs: draw.pick([5000, 10_000, 15_000]),
    evaluationMs: draw.pick([5000, 10_000, 15_000]),
    noDataUnknown: draw.chance(0.7),
    downForMs: draw.pick([0, 10_000, 30_000, 60_000]),
    highForMs: draw.pick([0, 15_000, 60_000]),
    groupBy: draw.pick([['alertname'], ['alertname', 'instance'], ['job']]),
    groupWaitMs: draw.pick([1000, 5000, 20_000]),
    groupIntervalMs: draw.pick([15_000, 30_000, 60_000]),
    repeatMs: draw.pick([4 * 60_000, 10 * 60_000, 3_600_000]),
    playbook: {
      alert: draw.pick(['TargetDown', 'TargetDown', 'GaugeHigh'] as const),
      steps: draw.int(1, 2),
      idempotent: draw.chance(0.5),
      attemptsMax: draw.int(1, 3),
      coolDownMs: draw.pick([5000, 30_000, 90_000]),
      concurrentMax: draw.int(1, 2),
      withinMs: draw.pick([20_000, 45_000, 90_000]),
      outcomes: draw.pick<readonly ActionOutcome[]>([
        ['repairs'],
        ['repairs', 'fails', 'useless'],
        ['fails', 'missing'],
        ['hangs', 'useless', 'repairs'],
      ]),
    },
  };
  const events: SimEvent[] = [];
  for (let chapter = 0; chapter < chapters; chapter++) {
    const fromMs = chapter * CHAPTER_MS;
    // Trouble at the targets is what everything else is about.
    for (let n = draw.int(3, 6); n > 0; n--) events.push(targetTrouble(draw, fromMs, targets));
    for (let n = draw.int(3, 7); n > 0; n--) events.push(otherTrouble(draw, fromMs));
    if (draw.chance(0.5)) events.push(receiverTrouble(draw, fromMs));
  }
  // Drawn apart, so that the rest of a seed's plan stays what it was.
  const drawPosted = drawFrom(seed ^ 0x905ed);
  for (let chapter = 0; chapter < chapters; chapter++) {
    const fromMs = chapter * CHAPTER_MS;
    for (let n = drawPosted.int(3, 7); n > 0; n--) events.push(post(drawPosted, fromMs));
    for (let n = drawPosted.int(1, 4); n > 0; n--) events.push(silenceTrouble(drawPosted, fromMs));
  }
  return { ...settings, events: events.sort((a, b) => a.atMs - b.atMs) };
}

function when(draw: Draw, fromMs: number): number {
  return fromMs + draw.int(60_000, TROUBLES_END_MS);
}

function targetTrouble(draw: Draw, fromMs: number, targets: number): SimEvent {
  const atMs = when(draw, fromMs);
  // Most are short; some outlast the longest hold of a message.
  const forMs = draw.chance(0.15) ? draw.seconds(600, 840) : draw.seconds(20, 300);
  const lastMs = fromMs + TROUBLES_END_MS + 60_000;
  const bounded = Math.max(10_000, Math.min(forMs, lastMs - atMs));
  const target = draw.int(0, targets - 1);
  if (draw.chance(0.4)) return { atMs, kind: 'gauge', target, forMs: bounded };
  const how = draw.pick<TargetFailure>(['refused', 'timeout', 'garbage', 'status500']);
  return { atMs, kind: 'target', target, how, forMs: bounded };
}

function post(draw: Draw, fromMs: number): SimEvent {
  const atMs = when(draw, fromMs);
  const lastMs = fromMs + TROUBLES_END_MS + 60_000;
  const forMs = Math.max(20_000, Math.min(draw.seconds(20, 400), lastMs - atMs));
  const instance = `p${draw.int(0, 3)}`;
  // What an alert is called decides where it is and how bad: one name is one alert.
  const zone = instance === 'p0' || instance === 'p1' ? 'a' : 'b';
  const severity = draw.pick(['critical', 'warning', 'warning', 'info']);
  return {
    atMs,
    kind: 'post',
    alert: { instance, zone, severity },
    how: draw.pick(['renewed', 'renewed', 'once', 'replicas']),
    forMs,
  };
}

function silenceTrouble(draw: Draw, fromMs: number): SimEvent {
  const atMs = when(draw, fromMs);
  const forMs = draw.seconds(20, 300);
  const [label, value] = draw.pick([
    ['instance', 'p0'],
    ['instance', 'p2'],
    ['zone', 'b'],
    ['severity', 'warning'],
  ] as const);
  const kinds = [
    (): SimEvent => ({ atMs, kind: 'silence', label, value, inMs: draw.pick([0, 0, 20_000]), forMs }),
    (): SimEvent => ({ atMs, kind: 'silence', label, value, inMs: 0, forMs }),
    (): SimEvent => ({ atMs, kind: 'change-silence', which: draw.int(0, 3), forMs }),
    (): SimEvent => ({ atMs, kind: 'expire-silence', which: draw.int(0, 3) }),
  ];
  return draw.pick(kinds)();
}

function receiverTrouble(draw: Draw, fromMs: number): SimEvent {
  const how = draw.pick<ReceiverFailure>(['refused', 'reject', 'busy', 'slow', 'lost-answer']);
  const receiver = draw.pick<ReceiverName>(['hook', 'mail']);
  const atMs = when(draw, fromMs);
  // Long enough, now and then, that a message is given up; over early enough that all is told at the end.
  const forMs = Math.min(draw.seconds(20, 900), fromMs + TROUBLES_END_MS + 120_000 - atMs);
  return { atMs, kind: 'receiver', receiver, how, forMs };
}

function otherTrouble(draw: Draw, fromMs: number): SimEvent {
  const atMs = when(draw, fromMs);
  const downMs = draw.pick([500, 5000, 30_000, 120_000]);
  const kinds = [
    (): SimEvent => ({ atMs, kind: 'kill', downMs }),
    (): SimEvent => ({
      atMs,
      kind: 'kill-at-commit',
      n: draw.int(1, 20),
      when: draw.pick(['before', 'after']),
      downMs,
    }),
    (): SimEvent => ({ atMs, kind: 'kill-at-disk-call', n: draw.int(1, 60), downMs }),
    (): SimEvent => ({ atMs, kind: 'kill-at-message', downMs }),
    (): SimEvent => ({ atMs, kind: 'kill-at-action', downMs }),
    (): SimEvent => ({ atMs, kind: 'power', downMs, crashSeed: draw.int(1, 1_000_000) }),
    (): SimEvent => ({ atMs, kind: 'restart' }),
    // Longer than the lookback now and then: what is not stored must not look resolved.
    (): SimEvent => ({ atMs, kind: 'disk-full', forMs: draw.seconds(5, draw.chance(0.3) ? 480 : 60) }),
    (): SimEvent => ({ atMs, kind: 'disk-fails', n: draw.int(1, 40) }),
    (): SimEvent => ({ atMs, kind: 'state-fails', forMs: draw.seconds(1, 60) }),
    (): SimEvent => ({
      atMs,
      kind: 'jump',
      byMs: draw.chance(0.5) ? draw.int(2000, JUMP_AHEAD_MS_MAX) : -draw.int(2000, JUMP_BACK_MS_MAX),
    }),
    (): SimEvent => ({
      atMs,
      kind: 'reload',
      change: draw.pick(['timing', 'route', 'fewer-targets', 'back']),
    }),
    (): SimEvent => ({ atMs, kind: 'bad-reload', how: draw.pick(['yaml', 'unknown-key', 'rule']) }),
  ];
  return draw.pick(kinds)();
}
