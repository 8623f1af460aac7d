// What a wish about a silence does: a change of the one that is there, or a new one in its place. Alertmanager's rules.

import { err, ok, type Result } from '../base/index.ts';
import {
  compileMatchers,
  fitsEmptyText,
  type Matcher,
  type Silence,
  type SilenceDraft,
  type SilenceRefusal,
  silenceState,
} from '../model/index.ts';

export interface SilenceLimits {
  /** Silences kept at most, those that ended included; 0 is none. */
  readonly silencesMax: number;
  /** Size of one as it is stored; 0 is none. */
  readonly silenceBytesMax: number;
}

export interface SilenceQuestion {
  readonly draft: SilenceDraft;
  /** The silence with the draft's id. */
  readonly known: Silence | undefined;
  readonly count: number;
  readonly limits: SilenceLimits;
  readonly newId: string;
  readonly nowMs: number;
}

export interface SilenceChange {
  readonly id: string;
  readonly verdict: 'created' | 'updated' | 'replaced';
  /** In this order, in one commit. */
  readonly writes: readonly Silence[];
}

/** The draft's own id stays when nothing of what was already silenced would be rewritten. */
export function changeSilence(question: SilenceQuestion): Result<SilenceChange, SilenceRefusal> {
  const { draft, known, limits, nowMs } = question;
  const { startsAtMs = nowMs, id: _, ...rest } = draft;
  const wanted = { ...rest, startsAtMs, updatedAtMs: nowMs };
  const wrong = problemOf(wanted);
  if (wrong !== undefined)
    return err({ code: 'silence-invalid', message: `Cannot take the silence: invalid silence: ${wrong}` });
  const isNamed = draft.id !== undefined && draft.id !== '';
  if (isNamed && known === undefined) return err(notFound(draft.id));

  if (known !== undefined && canUpdate(known, wanted, nowMs)) {
    const updated = { ...wanted, id: known.id };
    const tooLarge = sizeProblem(updated, limits);
    if (tooLarge !== undefined) return err(tooLarge);
    return ok({ id: known.id, verdict: 'updated', writes: [updated] });
  }
  const { silencesMax } = limits;
  if (silencesMax > 0 && question.count + 1 > silencesMax) {
    return err({
      code: 'silence-limit',
      message: `Cannot take the silence: exceeded maximum number of silences: ${question.count} (limit: ${silencesMax})`,
    });
  }
  // What has passed without it cannot be silenced any more.
  const made = { ...wanted, id: question.newId, startsAtMs: Math.max(startsAtMs, nowMs) };
  const tooLarge = sizeProblem(made, limits);
  if (tooLarge !== undefined) return err(tooLarge);
  const ended = known === undefined ? undefined : endSilence(known, nowMs);
  return ok({
    id: made.id,
    verdict: known === undefined ? 'created' : 'replaced',
    writes: ended === undefined ? [made] : [ended, made],
  });
}

/** The silence as it is when it is ended now; undefined when it is over already. */
export function endSilence(silence: Silence, nowMs: number): Silence | undefined {
  switch (silenceState(silence, nowMs)) {
    case 'expired':
      return undefined;
    case 'active':
      return { ...silence, endsAtMs: nowMs, updatedAtMs: nowMs };
    case 'pending':
      return { ...silence, startsAtMs: nowMs, endsAtMs: nowMs, updatedAtMs: nowMs };
  }
}

export function notFound(id: string): SilenceRefusal {
  return { code: 'silence-not-found', message: `Cannot use the silence "${id}": silence not found` };
}

function canUpdate(known: Silence, wanted: Omit<Silence, 'id'>, nowMs: number): boolean {
  if (!sameMatchers(known.matchers, wanted.matchers)) return false;
  switch (silenceState(known, nowMs)) {
    case 'active':
      return inSeconds(wanted.startsAtMs) === inSeconds(known.startsAtMs) && wanted.endsAtMs >= nowMs;
    case 'pending':
      return wanted.startsAtMs >= nowMs;
    case 'expired':
      return false;
  }
}

/** What passes through a tool comes back without its fraction of a second. */
function inSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function sameMatchers(a: readonly Matcher[], b: readonly Matcher[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, i) => one.name === b[i]?.name && one.op === b[i]?.op && one.value === b[i]?.value)
  );
}

function problemOf(silence: Omit<Silence, 'id'>): string | undefined {
  const { matchers, startsAtMs, endsAtMs } = silence;
  if (matchers.length === 0) return 'at least one matcher required';
  for (const [i, { name }] of matchers.entries()) {
    if (name === '') return `invalid label matcher ${i}: invalid label name ""`;
  }
  const compiled = compileMatchers(matchers);
  if (!compiled.ok) return `invalid label matcher: ${compiled.error}`;
  if (fitsEmptyText(compiled.value)) return 'at least one matcher must not match the empty string';
  if (!Number.isFinite(startsAtMs)) return 'invalid start timestamp';
  if (!Number.isFinite(endsAtMs)) return 'invalid zero end timestamp';
  if (endsAtMs < startsAtMs) return 'end time must not be before start time';
  return undefined;
}

function sizeProblem(silence: Silence, { silenceBytesMax }: SilenceLimits): SilenceRefusal | undefined {
  const bytes = new TextEncoder().encode(JSON.stringify(silence)).length;
  if (silenceBytesMax === 0 || bytes <= silenceBytesMax) return undefined;
  return {
    code: 'silence-limit',
    message: `Cannot take the silence: silence exceeded maximum size: ${bytes} bytes (limit: ${silenceBytesMax} bytes)`,
  };
}
