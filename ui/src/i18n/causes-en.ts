// The causes of an explanation in English: as the server words them (src/api/explain/words.ts); a test holds them together.

export const causesEn = {
  'cause.no_data': 'Its data is missing: {reason}',
  'cause.no_series': 'Nothing to judge: no series answers {part}',
  'cause.no_series_silent':
    'Nothing to judge: no series answers {part}, and a target that it asks for is silent: {targets}',
  'cause.not_holding':
    'The condition does not hold: {part} is {value}, and the rule asks for {op} {threshold}',
  'cause.holds_elsewhere':
    'The condition holds for no series as a whole, although {part} is {value}: another part of {expr} does not',
  'cause.pending':
    'It is pending since {activeAtMs}: the condition must hold for {for}, until {firesAtMs} at the earliest',
  'cause.pending_given_up': 'It was pending, and nobody is told: {reason}',
  'cause.ended': 'It ended at {endedAtMs}: {reason}',
  'cause.target_gone': 'Its target is no longer there, so it ended at {endedAtMs}: {reason}',
  'cause.kept_firing': 'The condition no longer holds, and it is kept firing: {reason}',
  'cause.rule_failed': 'Its rule cannot be evaluated: {error}',
  'cause.rule_waiting': 'Its rule has not been evaluated yet',
  'cause.rule_stale': 'Its rule is no longer evaluated: the alert stands as it was',
  'cause.not_known_then': 'At that time nothing was known of it: the journal first names it at {firstAtMs}',
  'cause.wrong_route': '{receiver} is not told, since its route leads to {receivers}: at {route} {reason}',
  'cause.no_way_out': '{receiver} is told of nothing: it has no way out',
  'cause.inhibited': '{receiver} is not told, since it is inhibited: {reason}',
  'cause.silenced': '{receiver} is not told, since it is silenced: {reason}',
  'cause.muted': '{receiver} is not told at this time: {reason}',
  'cause.held': '{receiver} is not told yet, since recovery comes first: {reason}',
  'cause.waiting_group': '{receiver} is not told yet: its group gathers alerts until {dueAtMs}',
  'cause.waiting': '{receiver} is not told yet: {reason}',
  'cause.under_way': '{receiver} is being told since {startedAtMs}',
  'cause.told': '{receiver} was told at {toldAtMs}: {reason}',
  'cause.repeat_not_due':
    '{receiver} was told at {toldAtMs}; nothing is new, and it is told again from {dueAtMs}',
  'cause.told_by_fallback': '{receiver} could not be told, and {by} took the message at {toldAtMs}',
  'cause.told_end': '{receiver} was told at {toldAtMs} that it ended',
  'cause.ended_untold': '{receiver} was never told of it: {reason}',
  'cause.receiver_failed': '{receiver} could not be told, last at {failedAtMs}: {error}',
  'cause.interrupted': '{receiver} may have been told at {startedAtMs}: the message was cut off',
  'cause.shadow': 'Shadow run: {receiver} would have been told at {toldAtMs}: {reason}',
} as const;
