// The causes in English. The page has the same keys in its own languages; a test holds the two English texts together.

import type { CauseCode, CauseJson } from '../contract-explain.ts';

export const CAUSE_WORDS: Readonly<Record<CauseCode, string>> = {
  no_data: 'Its data is missing: {reason}',
  no_series: 'Nothing to judge: no series answers {part}',
  no_series_silent:
    'Nothing to judge: no series answers {part}, and a target that it asks for is silent: {targets}',
  not_holding: 'The condition does not hold: {part} is {value}, and the rule asks for {op} {threshold}',
  holds_elsewhere:
    'The condition holds for no series as a whole, although {part} is {value}: another part of {expr} does not',
  pending:
    'It is pending since {activeAtMs}: the condition must hold for {for}, until {firesAtMs} at the earliest',
  pending_given_up: 'It was pending, and nobody is told: {reason}',
  ended: 'It ended at {endedAtMs}: {reason}',
  target_gone: 'Its target is no longer there, so it ended at {endedAtMs}: {reason}',
  kept_firing: 'The condition no longer holds, and it is kept firing: {reason}',
  rule_failed: 'Its rule cannot be evaluated: {error}',
  rule_waiting: 'Its rule has not been evaluated yet',
  rule_stale: 'Its rule is no longer evaluated: the alert stands as it was',
  not_known_then: 'At that time nothing was known of it: the journal first names it at {firstAtMs}',
  wrong_route: '{receiver} is not told, since its route leads to {receivers}: at {route} {reason}',
  no_way_out: '{receiver} is told of nothing: it has no way out',
  inhibited: '{receiver} is not told, since it is inhibited: {reason}',
  silenced: '{receiver} is not told, since it is silenced: {reason}',
  muted: '{receiver} is not told at this time: {reason}',
  held: '{receiver} is not told yet, since recovery comes first: {reason}',
  waiting_group: '{receiver} is not told yet: its group gathers alerts until {dueAtMs}',
  waiting: '{receiver} is not told yet: {reason}',
  under_way: '{receiver} is being told since {startedAtMs}',
  told: '{receiver} was told at {toldAtMs}: {reason}',
  repeat_not_due: '{receiver} was told at {toldAtMs}; nothing is new, and it is told again from {dueAtMs}',
  told_by_fallback: '{receiver} could not be told, and {by} took the message at {toldAtMs}',
  told_end: '{receiver} was told at {toldAtMs} that it ended',
  ended_untold: '{receiver} was never told of it: {reason}',
  receiver_failed: '{receiver} could not be told, last at {failedAtMs}: {error}',
  interrupted: '{receiver} may have been told at {startedAtMs}: the message was cut off',
  shadow: 'Shadow run: {receiver} would have been told at {toldAtMs}: {reason}',
};

export type CauseParams = CauseJson['params'];

/** The text with its values; `time` writes the values whose names end in "AtMs". */
export function causeText(text: string, params: CauseParams, time: (atMs: number) => string): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return name.endsWith('AtMs') ? time(Number(value)) : String(value);
  });
}

/** RFC 3339 in whole seconds. */
export function timeText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function causeOf(code: CauseCode, receiver: string | null, params: CauseParams): CauseJson {
  const all = receiver === null ? params : { receiver, ...params };
  return { code, receiver, params: all, text: causeText(CAUSE_WORDS[code], all, timeText) };
}
