// Takes wishes about silences, one after the other: decided, committed, and only then in force.

import { type Clock, err, ok, type Random, type Result } from '../base/index.ts';
import {
  formatMatcher,
  type JournalEvent,
  type Silence,
  type SilenceDraft,
  type SilenceRefusal,
  type StateStore,
  type StateWrite,
} from '../model/index.ts';
import { journalEffect } from './events.ts';
import { changeSilence, endSilence, notFound } from './silence-change.ts';
import type { DispatchState } from './state.ts';

export interface SilenceDeskOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly state: StateStore;
  /** Undefined before the start. */
  readonly dispatch: () => DispatchState | undefined;
  /** Puts committed silences in force. */
  readonly apply: (silences: readonly Silence[]) => void;
}

/** Owns the order of the wishes: each is decided on what the one before has left. */
export class SilenceDesk {
  readonly #options: SilenceDeskOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SilenceDeskOptions) {
    this.#options = options;
  }

  /** The id under which it is kept. */
  set(draft: SilenceDraft): Promise<Result<string, SilenceRefusal>> {
    return this.#inTurn(async state => {
      const nowMs = this.#options.clock.nowMs();
      const known = draft.id === undefined ? undefined : state.silences.get(draft.id);
      const change = changeSilence({
        draft,
        known,
        count: state.silences.size,
        limits: state.config.limits,
        newId: uuid(this.#options.random),
        nowMs,
      });
      if (!change.ok) return change;
      const { id, verdict, writes } = change.value;
      const said =
        verdict === 'replaced'
          ? `silence ${known?.id} ended and ${id} made in its place`
          : `silence ${id} ${verdict}`;
      const done = await this.#commit(state, { silences: writes, verdict, said, nowMs });
      return done.ok ? ok(id) : done;
    });
  }

  /** Ends it now. One that is over already stays as it is. */
  expire(id: string): Promise<Result<void, SilenceRefusal>> {
    return this.#inTurn(async state => {
      const nowMs = this.#options.clock.nowMs();
      const known = state.silences.get(id);
      if (known === undefined) return err(notFound(id));
      const ended = endSilence(known, nowMs);
      if (ended === undefined) return ok(undefined);
      return this.#commit(state, {
        silences: [ended],
        verdict: 'expired',
        said: `silence ${id} ended by hand`,
        nowMs,
      });
    });
  }

  #inTurn<T>(
    work: (state: DispatchState) => Promise<Result<T, SilenceRefusal>>,
  ): Promise<Result<T, SilenceRefusal>> {
    const turn = this.#last.then(() => {
      const state = this.#options.dispatch();
      if (state !== undefined) return work(state);
      return err<SilenceRefusal>({
        code: 'state-closed',
        message: 'Cannot take a silence: dispatch has not started',
      });
    });
    this.#last = turn;
    return turn;
  }

  async #commit(state: DispatchState, change: Change): Promise<Result<void, SilenceRefusal>> {
    const { silences } = change;
    const writes: StateWrite[] = silences.map(silence => ({ kind: 'silence', silence }));
    writes.push({ kind: 'journal', event: eventOf(state, change) });
    const committed = await this.#options.state.commit(writes, 'synced');
    if (!committed.ok) {
      const { code, message } = committed.error;
      return err({ code, message: `Cannot keep the silence: ${message}` });
    }
    this.#options.apply(silences);
    return ok(undefined);
  }
}

interface Change {
  readonly silences: readonly Silence[];
  readonly verdict: string;
  readonly said: string;
  readonly nowMs: number;
}

function eventOf(state: DispatchState, { silences, verdict, said, nowMs }: Change): JournalEvent {
  const silence = silences.at(-1);
  const effect = journalEffect(state, nowMs, {
    stage: 'silence',
    subject: { kind: 'system' },
    alerts: [],
    verdict,
    reason: `${said}: ${silence?.comment ?? ''}`,
    evidence: {
      ids: silences.map(one => one.id),
      matchers: silence?.matchers.map(formatMatcher) ?? [],
      startsAtMs: silence?.startsAtMs ?? 0,
      endsAtMs: silence?.endsAtMs ?? 0,
      createdBy: silence?.createdBy ?? '',
    },
  });
  return effect.event;
}

/** Version 4, from the port: equal seeds give equal ids. */
function uuid(random: Random): string {
  const hex = Array.from({ length: 4 }, () => random.uint32().toString(16).padStart(8, '0')).join('');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20),
  ].join('-');
}
