// The state store in memory: the contract, and its crashes.

import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from './clock.ts';
import { stateStoreContract } from './contracts/state-store.ts';
import { MemoryState } from './state.ts';

stateStoreContract('memory', async ({ journalEventsMax }) => {
  const store = new MemoryState({ journalEventsMax });
  return {
    store,
    reopen: async () => {
      await store.close();
      return new MemoryState({ journalEventsMax }, store.image);
    },
    close: async () => {},
  };
});

function set(value: number) {
  return [{ kind: 'setting', key: 'k', value }] as const;
}

async function kept(store: MemoryState): Promise<unknown> {
  const setting = await new MemoryState({}, store.image).setting('k');
  return setting.ok ? setting.value : setting.error;
}

describe('crashes of the state store in memory', () => {
  it('before the n-th commit: it never happened, and nobody is answered any more', async () => {
    const store = new MemoryState();
    store.crashBefore(2);
    await store.commit(set(1), 'synced');
    let answered = false;
    void store.commit(set(2), 'synced').then(() => {
      answered = true;
    });
    await store.whenCrashed;
    await settle();
    expect(answered).toBe(false);
    expect(await kept(store)).toBe(1);
  });

  it('after the n-th commit: it is kept although its caller never heard of it', async () => {
    const store = new MemoryState();
    store.crashAfter(2);
    await store.commit(set(1), 'synced');
    void store.commit(set(2), 'grouped');
    await store.whenCrashed;
    expect(await kept(store)).toBe(2);
  });

  it('the death of the process keeps grouped commits, a loss of power may take the unsynced ones', async () => {
    const seen = new Set<unknown>();
    for (let seed = 0; seed < 20; seed++) {
      const store = new MemoryState();
      await store.commit(set(1), 'synced');
      await store.commit(set(2), 'grouped');
      store.losePower({ seed });
      seen.add(await kept(store));
    }
    expect(seen).toEqual(new Set([1, 2]));
    const killed = new MemoryState();
    await killed.commit(set(3), 'grouped');
    killed.killProcess();
    expect(await kept(killed)).toBe(3);
  });

  it('with a clock syncs grouped commits some milliseconds later', async () => {
    const clock = new FakeClock();
    const store = new MemoryState({ clock });
    await store.commit(set(4), 'grouped');
    await clock.advance(5);
    for (let seed = 0; seed < 5; seed++) store.losePower({ seed });
    expect(await kept(store)).toBe(4);
  });
});
