// Who goes on while memory is short. Those that are under way have parts of what they need: if all went on, all would be refused
// half way. So while much is held only the one that began first goes on, and the others wait with what they have. One that
// meets the limit all the same gives everything back, and begins again when it is alone.

import type { MemoryBudget } from './memory.ts';

/** Of the memory of all: beyond it one at a time goes on. What is left is enough for the largest that may be. */
const SHORT_SHARE = 0.5;

/** Somebody under way. */
export interface Member {
  /** Has given all back, and waits to begin again. */
  isBack: boolean;
  /** Has begun again: nobody may begin beside it. */
  isAlone: boolean;
  /** Sends its answer piece by piece, at the pace of its client, with little memory: it neither waits nor is waited for. */
  isSending: boolean;
}

interface Waiting {
  readonly may: () => boolean;
  readonly go: (word: 'go' | 'left') => void;
}

export class Crowd {
  readonly #budget: MemoryBudget;
  /** In the order of their begin. */
  readonly #members = new Set<Member>();
  readonly #waiting = new Set<Waiting>();

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  join(): Member {
    const member: Member = { isBack: false, isAlone: false, isSending: false };
    this.#members.add(member);
    return member;
  }

  leave(member: Member): void {
    this.#members.delete(member);
    this.wake();
  }

  /** Whether somebody needs to be alone. */
  get isClosed(): boolean {
    for (const { isBack, isAlone } of this.#members) if (isBack || isAlone) return true;
    return false;
  }

  /** Whether more than half of the memory is held. */
  get isShort(): boolean {
    return this.#budget.held > SHORT_SHARE * this.#budget.bytesMax;
  }

  sends(member: Member): void {
    member.isSending = true;
    this.wake();
  }

  /** Between pieces of work: undefined where it goes on at once; resolves when it is its turn, or the signal says so. */
  goOn(member: Member, signal: AbortSignal): Promise<unknown> | undefined {
    const may = (): boolean => !this.isShort || member.isSending || this.#active()[0] === member;
    return may() ? undefined : this.#until(may, signal);
  }

  /**
   * After all was given back of one that was refused since others held so much: resolves true when nobody else is under way and
   * there is more room than there was. False where waiting would change nothing, or the signal has come.
   */
  async again(member: Member, othersHeld: number, signal: AbortSignal): Promise<boolean> {
    if (othersHeld === 0) return false;
    member.isAlone = false;
    member.isBack = true;
    this.wake();
    const isNext = (): boolean => this.#active().length === 0 && this.#firstBack() === member;
    const word = await this.#until(() => isNext() && this.#budget.held < othersHeld, signal);
    member.isBack = false;
    member.isAlone = word === 'go';
    if (word === 'left') this.wake();
    return word === 'go';
  }

  /** To be called whenever somebody has gone or has given something back. */
  wake(): void {
    for (const waiting of [...this.#waiting]) if (waiting.may()) waiting.go('go');
  }

  #active(): readonly Member[] {
    return [...this.#members].filter(({ isBack, isSending }) => !isBack && !isSending);
  }

  #firstBack(): Member | undefined {
    return [...this.#members].find(({ isBack }) => isBack);
  }

  #until(may: () => boolean, signal: AbortSignal): Promise<'go' | 'left'> {
    if (signal.aborted) return Promise.resolve('left');
    if (may()) return Promise.resolve('go');
    return new Promise(resolve => {
      const leave = (): void => waiting.go('left');
      const waiting: Waiting = {
        may,
        go: word => {
          this.#waiting.delete(waiting);
          signal.removeEventListener('abort', leave);
          resolve(word);
        },
      };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
