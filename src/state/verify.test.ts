// Database files looked through and saved: sound, damaged page by page, with broken indices and orphans; and copies of an open one.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, describe, expect, it } from 'vitest';
import type { StateStore, StateWrite } from '../model/index.ts';
import { systemClock } from '../os/index.ts';
import {
  openStateInPlace,
  reindexStateFile,
  STATE_VERSION,
  salvageStateFile,
  verifyStateFile,
} from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-verify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = (): string => join(folder, `${++files}.db`);

async function open(path: string): Promise<StateStore> {
  const opened = await openStateInPlace({ path, clock: systemClock() });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

const EVENTS = 400;

function writes(): readonly StateWrite[] {
  return Array.from({ length: EVENTS }, (_, i) => ({
    kind: 'journal' as const,
    event: {
      atMs: 1000 + i,
      stage: 'notify' as const,
      subject: { kind: 'alert' as const, fingerprint: `f${i}` },
      alerts: [`f${i}`],
      verdict: 'sent',
      reason: `reason ${i} ${'x'.repeat(100)}`,
      evidence: {},
      effects: 'live' as const,
      configVersion: 'v',
    },
  }));
}

async function filledFile(): Promise<string> {
  const path = newPath();
  const store = await open(path);
  const settings = Array.from({ length: 50 }, (_, i) => ({
    kind: 'setting' as const,
    key: `k${i}`,
    value: i,
  }));
  const intents = Array.from({ length: 5 }, (_, i) => ({
    kind: 'delivery_intent' as const,
    intent: { jobId: `j${i}`, groupKey: 'g', receiver: 'ops', atMs: 1000 + i, firing: [], resolved: [] },
  }));
  expect((await store.commit([...writes(), ...settings, ...intents], 'synced')).ok).toBe(true);
  await store.close();
  return path;
}

const eventsIn = async (path: string): Promise<number> => {
  const store = await open(path);
  const events = await store.journal({ limit: 10_000, newestFirst: false });
  await store.close();
  return events.ok ? events.value.length : -1;
};

describe('a database file', () => {
  it('that is sound gives no problems, open or not', async () => {
    const path = await filledFile();
    expect(verifyStateFile(path)).toEqual([]);
    const store = await open(path);
    await store.commit([{ kind: 'setting', key: 'more', value: 1 }], 'synced');
    expect(verifyStateFile(path)).toEqual([]);
    expect((await store.commit([{ kind: 'setting', key: 'more', value: 2 }], 'synced')).ok).toBe(true);
    await store.close();
  });

  it('that is none, or of a newer version, is told as such', async () => {
    const path = newPath();
    writeFileSync(path, 'no database at all, but long enough to be one '.repeat(50));
    expect(verifyStateFile(path)).toMatchObject([{ code: 'state-damaged' }]);
    const newer = await filledFile();
    const database = new Libsql(newer);
    database.exec(`PRAGMA user_version = ${STATE_VERSION + 1}`);
    database.close();
    expect(verifyStateFile(newer)).toMatchObject([{ code: 'state-newer' }]);
  });

  it('with rows that name rows which are not there is told', async () => {
    const path = await filledFile();
    const database = new Libsql(path);
    database.exec('PRAGMA foreign_keys = OFF; DELETE FROM journal_batches WHERE batch = 1');
    database.close();
    expect(verifyStateFile(path)).toMatchObject([
      { code: 'state-damaged', message: expect.stringMatching(/^1 rows of "journal_texts"/) },
    ]);
    const saved = newPath();
    expect(salvageStateFile(path, saved)).toMatchObject({ ok: true });
    expect(verifyStateFile(saved)).toEqual([]);
    const left = await eventsIn(saved);
    expect(left).toBeGreaterThan(EVENTS / 2);
    expect(left).toBeLessThan(EVENTS);
  });

  it('whose index lacks entries is made right in place', async () => {
    const path = await filledFile();
    const database = new Libsql(path);
    // The index is taken for another table's while rows go.
    database.exec(`PRAGMA writable_schema = ON;
      CREATE TABLE kept AS SELECT rowid AS id, type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = 'deliveries_by_start';
      DELETE FROM sqlite_schema WHERE name = 'deliveries_by_start'`);
    database.close();
    const second = new Libsql(path);
    second.exec(`DELETE FROM deliveries WHERE job_id = 'j3'; PRAGMA writable_schema = ON;
      INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) SELECT type, name, tbl_name, rootpage, sql FROM kept`);
    second.close();
    const third = new Libsql(path);
    third.exec('DROP TABLE kept');
    third.close();
    expect(verifyStateFile(path)).toMatchObject([{ code: 'state-damaged' }]);
    expect(reindexStateFile(path)).toBe(true);
    const store = await open(path);
    const messages = await store.deliveries({ limit: 100 });
    await store.close();
    expect(messages.ok && messages.value.map(one => one.intent.jobId)).toEqual(['j4', 'j2', 'j1', 'j0']);
  });

  it('with damaged pages gives up what it can, and the rest opens', async () => {
    const sound = await filledFile();
    const database = new Libsql(sound);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    const bytes = readFileSync(sound);
    const pages = bytes.length / 4096;
    let [damaged, kept] = [0, 0];
    for (let page = 1; page < pages; page += 3) {
      const path = newPath();
      const broken = Buffer.from(bytes);
      broken.fill(0xff, page * 4096, (page + 1) * 4096);
      writeFileSync(path, broken);
      if (verifyStateFile(path).length === 0) continue;
      damaged++;
      if (reindexStateFile(path)) {
        kept += EVENTS;
        continue;
      }
      const saved = newPath();
      const lost = salvageStateFile(path, saved);
      if (!lost.ok) continue;
      expect(verifyStateFile(saved), `page ${page}`).toEqual([]);
      const events = await eventsIn(saved);
      expect(events).toBeGreaterThanOrEqual(0);
      if (events < EVENTS) expect([...lost.value.keys()].join()).toContain('journal_');
      kept += events;
    }
    expect(damaged).toBeGreaterThan(5);
    // One page of many: most of the rows of most of the files.
    expect(kept / (damaged * EVENTS)).toBeGreaterThan(0.5);
  });
});

describe('a backup', () => {
  it('has everything committed before it, while the database stays in use', async () => {
    const path = newPath();
    const store = await open(path);
    void store.commit(writes(), 'grouped');
    const copy = join(folder, "a copy with ' in its name.db");
    expect(await store.backup(copy)).toEqual({ ok: true, value: undefined });
    expect((await store.commit([{ kind: 'setting', key: 'later', value: 1 }], 'synced')).ok).toBe(true);
    expect(verifyStateFile(copy)).toEqual([]);
    expect(await eventsIn(copy)).toBe(EVENTS);
    const copied = await open(copy);
    expect(await copied.setting('later')).toEqual({ ok: true, value: undefined });
    await copied.close();
    // Not over a file that is there.
    expect(await store.backup(copy)).toMatchObject({ ok: false, error: { code: 'state-io' } });
    await store.close();
    expect(await store.backup(newPath())).toMatchObject({ ok: false, error: { code: 'state-closed' } });
  });
});
