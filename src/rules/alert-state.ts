// What a rule remembers of its alerts between evaluations, and what comes out of one.

import { type AbsenceCause, type Labels, type TargetId, type Why, whyText } from '../model/index.ts';

export type ActiveState = 'pending' | 'firing' | 'unknown' | 'resolved';

/** One alert of a rule, by the fingerprint of its labels. */
export interface ActiveAlert {
  readonly labels: Labels;
  readonly fingerprint: string;
  readonly annotations: Labels;
  readonly state: ActiveState;
  readonly activeAtMs: number;
  readonly firedAtMs?: number;
  readonly resolvedAtMs?: number;
  /** When the condition ceased to hold while `keep_firing_for` keeps it firing. */
  readonly keptSinceMs?: number;
  /** While unknown: since when its target delivers again without this series. */
  readonly missingSinceMs?: number;
  /** Evaluation at which the condition held last. */
  readonly lastSeenMs: number;
  readonly value: number;
  readonly reason: string;
  /** What the reason says; alerts that an older version stored have none. */
  readonly why?: Why;
  /** While its data is missing, and when it ended: the cause behind the reason. */
  readonly absence?: AbsenceCause;
  readonly producer?: TargetId;
  /** After a restart until its condition holds again: what nobody has looked at since. */
  readonly restored?: RestoredAlert;
}

export interface RestoredAlert {
  /** The last evaluation before the restart; later the last one that did not find it. */
  readonly downAtMs: number;
  /** Evaluations since the restart that did not find it. */
  readonly evaluations: number;
}

export type AlertMap = ReadonlyMap<string, ActiveAlert>;

/** A series of the answer with the rule's labels and annotations applied. */
export interface Candidate {
  readonly labels: Labels;
  readonly fingerprint: string;
  readonly annotations: Labels;
  readonly value: number;
  readonly producer: TargetId | undefined;
  /** It is not in the answer, and counts as if it were: since its data is missing. */
  readonly missing?: { readonly why: Why; readonly cause: AbsenceCause };
}

/** A transition worth a line in the journal. `inactive`: pending was given up. */
export interface AlertChange {
  readonly to: ActiveState | 'inactive';
  readonly alert: ActiveAlert;
}

/** Why, as a text and as what it says. */
export function because(why: Why): { readonly reason: string; readonly why: Why } {
  return { reason: whyText(why), why };
}
