// The state over a real database: the contract in place and in its thread, versions, damage, and kill -9.

import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { type Compiled, compileSources } from '../../test/support/compiled.ts';
import { stateStoreContract } from '../../test/support/contracts/state-store.ts';
import type { Durability, JournalEvent, JournalFilter, JournalSubject, StateStore } from '../model/index.ts';
import { systemClock } from '../os/index.ts';
import {
  type OpenStateOptions,
  openState,
  openStateInPlace,
  STATE_VERSION,
  startStateThread,
} from './index.ts';
import { MIGRATIONS } from './schema.ts';

let compiled: Compiled;
const folders: string[] = [];

beforeAll(() => {
  compiled = compileSources(['state/index.ts', 'state/worker.ts', 'os/index.ts']);
});

afterAll(() => {
  compiled.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-state-'));
  folders.push(folder);
  return join(folder, 'state.db');
}

async function got(opening: ReturnType<typeof openState>): Promise<StateStore> {
  const opened = await opening;
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

function registerContract(name: string, open: (options: OpenStateOptions) => ReturnType<typeof openState>) {
  stateStoreContract(name, async ({ journalEventsMax }) => {
    const options = { path: newPath(), clock: systemClock(), journalEventsMax };
    const stores = [await got(open(options))];
    return {
      store: stores[0] as StateStore,
      reopen: async () => {
        for (const store of stores) await store.close();
        const next = await got(open(options));
        stores.push(next);
        return next;
      },
      close: async () => {
        for (const store of stores) await store.close();
      },
    };
  });
}

registerContract('sqlite in place', openStateInPlace);
registerContract('sqlite in a worker', openBuilt);

describe('opening', () => {
  it('refuses a database of a newer version, naming both', async () => {
    const path = newPath();
    const raw = new Libsql(path);
    raw.exec(`PRAGMA user_version = ${STATE_VERSION + 1}`);
    raw.close();
    for (const open of [openStateInPlace, openBuilt]) {
      const opened = await open({ path, clock: systemClock() });
      if (opened.ok) throw new Error('was opened');
      expect(opened.error.code).toBe('state-newer');
      expect(opened.error.message).toContain(`version ${STATE_VERSION + 1}`);
    }
  });

  it('brings a database of the first version to this one, with what it holds', async () => {
    const path = newPath();
    const raw = new Libsql(path);
    for (const step of MIGRATIONS[0] ?? []) if (typeof step === 'string') raw.exec(step);
    raw.exec('PRAGMA user_version = 1');
    const alert = JSON.stringify({ kind: 'alert', fingerprint: 'f1' });
    const insert = raw.prepare('INSERT INTO journal VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    const evidence = JSON.stringify({ labels: { alertname: 'Down' } });
    const row = (atMs: number, subject: string, said: string) =>
      insert.run(atMs, 'rule', subject, '[]', 'firing', 'r', said, 'live', 'v', 0, atMs);
    row(5, alert, evidence);
    row(9, alert, evidence);
    row(9, JSON.stringify({ kind: 'system' }), '{}');
    const delivery = raw.prepare('INSERT INTO deliveries VALUES (?, ?, ?, ?)');
    const intent = { groupKey: 'g', receiver: 'ops/email[0]', atMs: 3, firing: ['f1'], resolved: [] };
    const put = (jobId: string, outcome: object | null) =>
      delivery.run(
        jobId,
        JSON.stringify({ ...intent, jobId }),
        outcome === null ? null : JSON.stringify(outcome),
        4,
      );
    put('a', { kind: 'sent', answer: 'ok' });
    put('b', null);
    put('c', { kind: 'drop', reason: 'interrupted', detail: '' });
    put('d', { kind: 'drop', reason: 'refused', detail: '' });
    raw.close();
    const store = await got(openStateInPlace({ path, clock: systemClock() }));
    expect(await store.knownAlerts({ limit: 10 })).toEqual({
      ok: true,
      value: [{ fingerprint: 'f1', labels: { alertname: 'Down' }, firstAtMs: 5, lastAtMs: 9 }],
    });
    // Events of before are found by their subject, beside those of now.
    const subject: JournalSubject = { kind: 'alert', fingerprint: 'f1' };
    const event: JournalEvent = {
      ...{ atMs: 20, stage: 'rule', subject, alerts: ['f1'], verdict: 'resolved', reason: 'r', evidence: {} },
      ...{ effects: 'live', configVersion: 'v' },
    };
    await store.commit([{ kind: 'journal', event }], 'synced');
    const about = await store.journal({ subject, stage: 'rule', limit: 10, newestFirst: true });
    if (!about.ok) throw new Error(about.error.message);
    expect(about.value.map(one => one.atMs)).toEqual([20, 9, 5]);
    const log = await store.deliveries({ receiver: 'ops', fromMs: 3, toMs: 3, limit: 10 });
    if (!log.ok) throw new Error(log.error.message);
    expect(log.value.map(one => [one.intent.jobId, one.verdict])).toEqual([
      ['d', 'undelivered'],
      ['c', 'interrupted'],
      ['b', 'under_way'],
      ['a', 'sent'],
    ]);
    await store.close();
  });

  it('brings events with a row for each into batches, with their repeats, and goes on behind them', async () => {
    const path = newPath();
    const raw = new Libsql(path);
    for (const migration of MIGRATIONS.slice(0, 4))
      for (const step of migration) if (typeof step === 'string') raw.exec(step);
    raw.exec('PRAGMA user_version = 4');
    const insert = raw.prepare('INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)');
    const COUNT = 200;
    for (let seq = 1; seq <= COUNT; seq++) {
      const subject = JSON.stringify({ kind: 'group', groupKey: `g${seq}` });
      const said = JSON.stringify({ value: { $number: 'NaN' }, seq });
      const [repeats, lastAtMs] = seq % 10 === 0 ? [seq, 10_000 + seq] : [0, seq];
      const row = [seq, seq, 'group', subject, `["f${seq % 20}"]`, 'notify', 'r', said, 'live', 'v'];
      insert.run(...row, repeats, lastAtMs);
    }
    raw.exec('DELETE FROM journal WHERE seq = 3 OR seq = 200');
    raw.close();
    const store = await got(openStateInPlace({ path, clock: systemClock() }));
    const found = async (filter: Partial<JournalFilter>) => {
      const events = await store.journal({ limit: 1000, newestFirst: false, ...filter });
      if (!events.ok) throw new Error(events.error.message);
      return events.value;
    };
    const all = await found({});
    expect(all.map(one => one.seq)).toEqual(
      Array.from({ length: COUNT - 1 }, (_, i) => i + 1).filter(seq => seq !== 3),
    );
    expect(all[8]).toEqual({
      ...{ seq: 10, atMs: 10, stage: 'group', subject: { kind: 'group', groupKey: 'g10' }, alerts: ['f10'] },
      ...{ verdict: 'notify', reason: 'r', evidence: { value: Number.NaN, seq: 10 }, effects: 'live' },
      ...{ configVersion: 'v', repeats: 10, lastAtMs: 10_010 },
    });
    expect((await found({ fingerprint: 'f5' })).map(one => one.seq)).toEqual([
      5, 25, 45, 65, 85, 105, 125, 145, 165, 185,
    ]);
    expect((await found({ fromMs: 10_185 })).map(one => one.seq)).toEqual([190]);
    const event: JournalEvent = {
      ...{ atMs: 20_000, stage: 'group', subject: { kind: 'group', groupKey: 'g10' }, alerts: ['f10'] },
      ...{ verdict: 'notify', reason: 'r', evidence: {}, effects: 'live', configVersion: 'v' },
    };
    await store.commit([{ kind: 'journal', event }], 'synced');
    await store.commit([{ kind: 'journal', event: { ...event, verdict: 'other' } }], 'synced');
    expect(await found({ fromMs: 20_000 })).toMatchObject([
      { seq: 10, repeats: 11 },
      { seq: 201, verdict: 'other' },
    ]);
    await store.close();
  });

  it('answers state-io for a missing folder and for a file that is no database', async () => {
    const path = newPath();
    writeFileSync(path, 'this is not a database, '.repeat(100));
    for (const wrong of [path, join(path, '..', 'missing', 'state.db')]) {
      for (const open of [openStateInPlace, openBuilt]) {
        expect(await open({ path: wrong, clock: systemClock() })).toMatchObject({
          ok: false,
          error: { code: 'state-io' },
        });
      }
    }
  });

  it('answers state-io when the worker file cannot run', async () => {
    const workerUrl = compiled.url('state/no-such-file.js');
    const thread = startStateThread(workerUrl);
    expect(await openState(thread, { path: newPath(), clock: systemClock() })).toMatchObject({
      ok: false,
      error: { code: 'state-io' },
    });
  });
});

describe('groups', () => {
  it('lets a grouped commit wait for company, five milliseconds at most', async () => {
    const clock = new FakeClock();
    const store = await got(openStateInPlace({ path: newPath(), clock }));
    let answered = false;
    void store.commit([], 'grouped').then(() => {
      answered = true;
    });
    await clock.advance(4);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect(answered).toBe(true);
    await store.close();
  });

  it('takes the waiting ones along with a synced commit', async () => {
    const clock = new FakeClock();
    const store = await got(openStateInPlace({ path: newPath(), clock }));
    const order: string[] = [];
    void store.commit([], 'grouped').then(() => order.push('grouped'));
    await store.commit([], 'synced').then(() => order.push('synced'));
    expect(order).toEqual(['grouped', 'synced']);
    expect(clock.nextDueMs()).toBeUndefined();
    await store.close();
  });

  it('takes an urgent commit before those that wait, and a read after all of them', async () => {
    const store = await got(openStateInPlace({ path: newPath(), clock: systemClock() }));
    const order: string[] = [];
    const ask = (name: string, durability: Durability) =>
      store.commit([{ kind: 'setting', key: 'last', value: name }], durability).then(() => order.push(name));
    const first = ask('first', 'synced');
    // The first is under way by then.
    await Promise.resolve();
    const others = Array.from({ length: 250 }, (_, i) =>
      ask(`other ${i}`, i % 2 === 0 ? 'synced' : 'grouped'),
    );
    const urgent = ask('urgent', 'urgent');
    await Promise.all([first, urgent]);
    expect(order).toEqual(['first', 'urgent']);
    expect(await store.setting('last')).toEqual({ ok: true, value: 'other 249' });
    await Promise.all(others);
    expect(order.slice(2)).toEqual(Array.from({ length: 250 }, (_, i) => `other ${i}`));
    await store.close();
  });

  it('urgent commits that go on and on do not keep the others waiting', async () => {
    const store = await got(openStateInPlace({ path: newPath(), clock: systemClock() }));
    const order: string[] = [];
    const ask = (name: string, durability: Durability): Promise<unknown> =>
      store.commit([], durability).then(() => order.push(name));
    const first = ask('first', 'synced');
    await Promise.resolve();
    const urgent = [ask('urgent 1', 'urgent')];
    const other = ask('other', 'synced');
    void urgent[0]?.then(() => urgent.push(ask('urgent 2', 'urgent')));
    await Promise.all([first, other]);
    await Promise.all(urgent);
    expect(order).toEqual(['first', 'urgent 1', 'other', 'urgent 2']);
    await store.close();
  });

  it('undoes a commit that cannot be written, and only that one', async () => {
    const store = await got(openStateInPlace({ path: newPath(), clock: systemClock() }));
    const bad = { kind: 'setting', key: 'bad', value: undefined as unknown as null } as const;
    const results = await Promise.all([
      store.commit([{ kind: 'setting', key: 'a', value: 1 }], 'synced'),
      store.commit([{ kind: 'setting', key: 'b', value: 1 }, bad], 'synced'),
      store.commit([{ kind: 'setting', key: 'c', value: 1 }], 'synced'),
    ]);
    expect(results.map(result => result.ok)).toEqual([true, false, true]);
    const kept = await Promise.all(['a', 'b', 'c'].map(key => store.setting(key)));
    expect(kept.map(result => result.ok && result.value)).toEqual([1, undefined, 1]);
    await store.close();
  });
});

describe('kill -9', () => {
  it('keeps every commit that was acknowledged, grouped or synced, each whole and in order', async () => {
    const path = newPath();
    const script = join(compiled.folder, 'committer.mjs');
    writeFileSync(script, COMMITTER);
    let first = 0;
    for (const round of [0, 1, 2]) {
      const acknowledged = await commitUntilKilled(script, path, first);
      // A copy of the files as the dead process left them is what a restart finds.
      const copy = newPath();
      for (const end of ['', '-wal']) copyFileSync(path + end, copy + end);
      const store = await got(openStateInPlace({ path: copy, clock: systemClock() }));
      const a = await store.setting('a');
      const b = await store.setting('b');
      const journal = await store.journal({ limit: 1e6, newestFirst: false });
      await store.close();
      if (!a.ok || !b.ok || !journal.ok) throw new Error('cannot read');
      expect(a.value, `round ${round}: both halves of a commit`).toBe(b.value);
      expect(Number(a.value)).toBeGreaterThanOrEqual(acknowledged);
      const numbers = journal.value.map(event => Number(event.verdict));
      expect(numbers).toEqual(Array.from({ length: Number(a.value) + 1 }, (_, i) => i));
      first = Number(a.value) + 1;
    }
    expect(first).toBeGreaterThan(30);
  });
});

function openBuilt(options: OpenStateOptions): ReturnType<typeof openState> {
  return openState(startStateThread(compiled.url('state/worker.js')), options);
}

/** Commits numbers and says each that was acknowledged; several are always under way. */
const COMMITTER = `
import { openState, startStateThread } from './state/index.js';
import { systemClock } from './os/index.js';
const [path, first] = process.argv.slice(2);
const thread = startStateThread(new URL('state/worker.js', import.meta.url));
const opened = await openState(thread, { path, clock: systemClock() });
if (!opened.ok) throw new Error(opened.error.message);
const event = i => ({ atMs: i, stage: 'system', subject: { kind: 'system' }, alerts: ['f' + i], verdict: String(i),
  reason: 'r', evidence: {}, effects: 'live', configVersion: 'v' });
for (let i = Number(first); ; i++) {
  const done = opened.value.commit([
    { kind: 'setting', key: 'a', value: i },
    { kind: 'journal', event: event(i) },
    { kind: 'setting', key: 'b', value: i },
  ], i % 5 === 0 ? 'synced' : 'grouped').then(result => { if (result.ok) process.stdout.write(i + '\\n'); });
  if (i % 5 === 0) await done;
}
`;

/** The last number that was acknowledged before the kill. */
async function commitUntilKilled(script: string, path: string, first: number): Promise<number> {
  const child = spawn(process.execPath, [script, path, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const last = (): number => Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1) || -1);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (last() >= first + 40) child.kill('SIGKILL');
  });
  await new Promise(resolve => child.once('close', resolve));
  return last();
}
