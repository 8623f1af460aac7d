// A playbook: which alerts it answers, under which guard, with which steps, and how success is verified.

import {
  bad,
  boolean,
  duration,
  integer,
  type Kind,
  list,
  mapped,
  matchers,
  optional,
  type ReadContext,
  record,
  required,
  type Schema,
  text,
  withDefault,
} from '../config/index.ts';
import type { CompiledMatcher } from '../model/index.ts';
import type { Action } from './action.ts';

export interface Guard {
  /** Runs for one alert from when it began to fire until it resolves. */
  readonly attemptsMax: number;
  /** From the end of one run for an alert to the start of the next. */
  readonly coolDownMs: number;
  /** Runs of this playbook under way at once. */
  readonly concurrentMax: number;
  /** Blast radius: different alerts that this playbook may act on within `windowMs`. */
  readonly alertsMax: number;
  readonly windowMs: number;
}

export interface PlaybookStep {
  readonly name: string;
  readonly action: Action;
  /** Whether the step may be repeated when it is not known if it took effect. */
  readonly idempotent: boolean;
}

export interface Verification {
  /** The alert must be seen to have ended within this time after the last step. */
  readonly withinMs: number;
  readonly intervalMs: number;
  /** Asked instead of the alert's own rule: verified when it gives a result from fresh samples. */
  readonly expr?: string;
}

export interface Playbook {
  readonly name: string;
  readonly match: readonly CompiledMatcher[];
  readonly guard: Guard;
  readonly steps: readonly PlaybookStep[];
  readonly verify: Verification;
}

/** An action kind with its own settings: the key in a step, and how its settings become an action. */
export interface ActionKind extends Kind<Action> {}

const guardSchema = record({
  max_attempts: withDefault(integer({ min: 1, max: 100 }), 2, 'runs for one alert until it resolves'),
  cool_down: withDefault(duration(), 300_000, 'pause between two runs for one alert'),
  max_concurrent: withDefault(integer({ min: 1 }), 1, 'runs of this playbook at once'),
  max_alerts: withDefault(integer({ min: 1 }), 10, 'different alerts acted on within window'),
  window: withDefault(duration({ min: 1 }), 3_600_000, 'the window of max_alerts'),
});

const GUARD_DEFAULTS = {
  max_attempts: 2,
  cool_down: 300_000,
  max_concurrent: 1,
  max_alerts: 10,
  window: 3_600_000,
};

const verifySchema = record({
  within: withDefault(duration({ min: 1 }), 120_000, 'time for the alert to end after the last step'),
  interval: withDefault(duration({ min: 10 }), 5000, 'pause between two looks'),
  expr: optional(text({ notEmpty: true }), "asked instead of the alert's own rule"),
});

const VERIFY_DEFAULTS = { within: 120_000, interval: 5000, expr: undefined };

/** The schema of one entry of `recovery.playbooks`. */
export function playbookSchema(kinds: readonly ActionKind[]): Schema<Playbook> {
  const schema = record({
    name: required(text({ notEmpty: true }), 'unique name, shown in the journal'),
    match: required(matchers(), 'alerts that it answers'),
    guard: withDefault(guardSchema, GUARD_DEFAULTS, 'limits on acting'),
    steps: required(list(stepSchema(kinds)), 'what is done, in order; the first failure ends the run'),
    verify: withDefault(verifySchema, VERIFY_DEFAULTS, 'how success is told'),
  });
  return mapped(schema, (value, context) => {
    if (value.steps.length === 0) return bad(`Cannot use playbook "${value.name}": it has no steps`, context);
    if (value.match.length === 0) {
      return bad(
        `Cannot use playbook "${value.name}": an empty match would answer every alert`,
        context,
        'name at least one label',
      );
    }
    return {
      name: value.name,
      match: value.match,
      guard: {
        attemptsMax: value.guard.max_attempts,
        coolDownMs: value.guard.cool_down,
        concurrentMax: value.guard.max_concurrent,
        alertsMax: value.guard.max_alerts,
        windowMs: value.guard.window,
      },
      steps: value.steps,
      verify: {
        withinMs: value.verify.within,
        intervalMs: value.verify.interval,
        ...(value.verify.expr === undefined ? {} : { expr: value.verify.expr }),
      },
    };
  });
}

function stepSchema(kinds: readonly ActionKind[]): Schema<PlaybookStep> {
  const actions = Object.fromEntries(kinds.map(kind => [kind.key, optional(kind.schema)]));
  const schema = record({
    name: withDefault(text(), '', 'shown in the journal; the kind of the action by default'),
    idempotent: withDefault(boolean(), false, 'may be repeated when its outcome is unknown'),
    ...actions,
  });
  return mapped(schema, (value, context: ReadContext) => {
    const settings = value as Readonly<Record<string, unknown>>;
    const given = kinds.filter(kind => settings[kind.key] !== undefined);
    const kind = given[0];
    if (kind === undefined || given.length > 1) {
      const names = kinds.map(k => `"${k.key}"`).join(', ');
      return bad(
        `Cannot read step at ${context.path}: exactly one action expected, one of ${names}`,
        context,
      );
    }
    // The kind's own schema made the value: it is an Action.
    const action = settings[kind.key] as Action;
    return { name: value.name === '' ? kind.key : value.name, action, idempotent: value.idempotent };
  });
}
