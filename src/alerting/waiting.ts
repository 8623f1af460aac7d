// What groups wait for, and when they flush next.

import type { DispatchState, Group } from './state.ts';

export function waitFor(state: DispatchState, group: Group, key: string): void {
  const ids = state.waiting.get(key);
  if (ids === undefined) state.waiting.set(key, new Set([group.id]));
  else ids.add(group.id);
}

/** Ends a wait: the groups flush at the next tick. */
export function wake(state: DispatchState, key: string, nowMs: number): void {
  for (const id of state.waiting.get(key) ?? []) {
    const group = state.groups.get(id);
    if (group !== undefined) planFlush(state, group, nowMs);
  }
  state.waiting.delete(key);
}

/** The only way to change when a group flushes, except for the flush itself, whose end plans the next one. */
export function planFlush(state: DispatchState, group: Group, atMs: number): void {
  group.nextFlushMs = atMs;
  state.due.push(atMs, group.id);
}
