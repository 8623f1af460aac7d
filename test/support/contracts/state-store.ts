// What every state store must do: the port StateStore as tests.

import { afterEach, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/base/index.ts';
import {
  type Alert,
  type DeliveryFilter,
  type DeliveryIntent,
  type DeliveryOutcome,
  fingerprint,
  type JournalEvent,
  type JournalFilter,
  labelsFrom,
  type NotificationLogEntry,
  type PostedRecord,
  type RecoveryRun,
  type RecoveryState,
  type Silence,
  type StateFailure,
  type StateStore,
  type StateWrite,
} from '../../../src/model/index.ts';

export interface StatePeer {
  readonly store: StateStore;
  /** Closes the store and opens what it left behind. */
  reopen(): Promise<StateStore>;
  close(): Promise<void>;
}

export interface StatePeerOptions {
  /** The journal keeps at most so many events. */
  readonly journalEventsMax: number;
}

type Kit = (options?: Partial<StatePeerOptions>) => Promise<StatePeer>;

const T0 = Date.UTC(2026, 0, 1);
const ALL: JournalFilter = { limit: 1000, newestFirst: false };

export function stateStoreContract(
  name: string,
  make: (options: StatePeerOptions) => Promise<StatePeer>,
): void {
  describe(`state store contract: ${name}`, () => {
    let open: StatePeer[] = [];
    const kit: Kit = async options => {
      const peer = await make({ journalEventsMax: 1_000_000, ...options });
      open.push(peer);
      return peer;
    };
    afterEach(async () => {
      for (const peer of open) await peer.close();
      open = [];
    });
    describe('journal', () => journal(kit));
    describe('journal limits', () => limits(kit));
    describe('events that came together', () => together(kit));
    describe('what is found again', () => foundAgain(kit));
    describe('deliveries', () => deliveries(kit));
    describe('delivery log', () => deliveryLog(kit));
    describe('other facts', () => facts(kit));
    describe('commits', () => commits(kit));
  });
}

function journal(kit: Kit): void {
  it('keeps events with all their parts, numbered from 1', async () => {
    const { store } = await kit();
    const full = event({
      alerts: ['f1', 'f2'],
      evidence: { value: 0.5, list: [1, 'two', null, true], nested: { 'odd "key"\n': {} }, __proto__x: 1 },
      effects: 'shadow',
    });
    await write(store, { kind: 'journal', event: full });
    expect(got(await store.journal(ALL))).toEqual([{ ...full, seq: 1, repeats: 0, lastAtMs: T0 }]);
  });

  it('keeps numbers that JSON has no word for, and keys that begin with a dollar sign', async () => {
    const { store } = await kit();
    const evidence = {
      a: Number.NaN,
      b: Number.POSITIVE_INFINITY,
      c: [Number.NEGATIVE_INFINITY, -0, 1e-300],
      $number: 'x',
      $$: 1,
    };
    await write(store, { kind: 'journal', event: event({ evidence }) });
    expect(got(await store.journal(ALL))[0]?.evidence).toEqual(evidence);
  });

  it('counts an unchanged repeat on the event it repeats', async () => {
    const { store } = await kit();
    for (const s of [0, 1, 2])
      await write(store, { kind: 'journal', event: event({ atMs: T0 + s, alerts: [`f${s}`] }) });
    const [one, ...more] = got(await store.journal(ALL));
    expect(more).toEqual([]);
    expect(one).toMatchObject({ seq: 1, atMs: T0, repeats: 2, lastAtMs: T0 + 2 });
    // Whom the repeats were about stays findable.
    expect(one?.alerts).toEqual(['f0', 'f1', 'f2']);
    expect(got(await store.journal({ ...ALL, fingerprint: 'f2' }))).toHaveLength(1);
  });

  it('counts repeats within one commit', async () => {
    const { store } = await kit();
    const writes = [0, 1, 2].map(s => ({ kind: 'journal', event: event({ atMs: T0 + s }) }) as const);
    got(await store.commit(writes, 'synced'));
    expect(got(await store.journal(ALL)).map(one => one.repeats)).toEqual([2]);
  });

  const changes: readonly (readonly [string, Partial<JournalEvent>])[] = [
    ['verdict', { verdict: 'other' }],
    ['reason', { reason: 'other' }],
    ['effects', { effects: 'shadow' }],
    ['subject', { subject: { kind: 'alert', fingerprint: 'other' } }],
    ['stage', { stage: 'notify' }],
  ];
  for (const [part, change] of changes) {
    it(`writes a new event when the ${part} changes`, async () => {
      const { store } = await kit();
      await write(store, { kind: 'journal', event: event({}) });
      await write(store, { kind: 'journal', event: event(change) });
      expect(got(await store.journal(ALL)).map(one => [one.seq, one.repeats])).toEqual([
        [1, 0],
        [2, 0],
      ]);
    });
  }

  it('compares with the last event of the same stage and subject, whatever came between', async () => {
    const { store } = await kit();
    const other = event({ subject: { kind: 'system' } });
    for (const one of [event({}), other, event({}), other, event({ verdict: 'v2' }), event({})]) {
      await write(store, { kind: 'journal', event: one });
    }
    expect(got(await store.journal(ALL)).map(one => [one.subject.kind, one.verdict, one.repeats])).toEqual([
      ['alert', 'firing', 1],
      ['system', 'firing', 1],
      ['alert', 'v2', 0],
      ['alert', 'firing', 0],
    ]);
  });

  it('finds by fingerprint: among the alerts, or as the subject', async () => {
    const { store } = await kit();
    const events = [
      event({ subject: { kind: 'alert', fingerprint: 'f1' }, alerts: [] }),
      event({ subject: { kind: 'group', groupKey: 'g' }, alerts: ['f2', 'f1'] }),
      event({ subject: { kind: 'group', groupKey: 'h' }, alerts: ['f2'] }),
    ];
    got(
      await store.commit(
        events.map(one => ({ kind: 'journal', event: one })),
        'synced',
      ),
    );
    const seqs = async (fingerprint: string) =>
      got(await store.journal({ ...ALL, fingerprint })).map(one => one.seq);
    expect([await seqs('f1'), await seqs('f2'), await seqs('f3')]).toEqual([[1, 2], [2, 3], []]);
  });

  const filters: readonly (readonly [Partial<JournalFilter>, readonly number[]])[] = [
    [{}, [1, 2, 3, 4]],
    [{ newestFirst: true }, [4, 3, 2, 1]],
    [{ limit: 2 }, [1, 2]],
    [{ limit: 2, newestFirst: true }, [4, 3]],
    [{ stage: 'notify' }, [2, 4]],
    [{ afterSeq: 2 }, [3, 4]],
    [{ fromMs: T0 + 2000 }, [1, 3, 4]],
    [{ toMs: T0 + 1000 }, [1, 2]],
    [{ fromMs: T0 + 1000, toMs: T0 + 2000 }, [1, 2, 3]],
    [{ stage: 'notify', newestFirst: true, limit: 1 }, [4]],
  ];
  for (const [filter, seqs] of filters) {
    it(`answers events ${JSON.stringify(filter)}; one with repeats spans its time`, async () => {
      const { store } = await kit();
      const list = [
        event({ atMs: T0 }),
        event({ atMs: T0 + 1000, stage: 'notify' }),
        event({ atMs: T0 + 2000, subject: { kind: 'system' } }),
        event({ atMs: T0 + 3000, stage: 'notify', verdict: 'v2' }),
        event({ atMs: T0 + 3000 }),
      ];
      for (const one of list) await write(store, { kind: 'journal', event: one });
      expect(got(await store.journal({ ...ALL, ...filter })).map(one => one.seq)).toEqual(seqs);
    });
  }
}

function foundAgain(kit: Kit): void {
  const named = (fingerprint: string, name: string, change: Partial<JournalEvent> = {}): JournalEvent =>
    event({
      subject: { kind: 'alert', fingerprint },
      evidence: { labels: { alertname: name, instance: fingerprint } },
      ...change,
    });

  it('answers the events of a subject, and page by page', async () => {
    const { store } = await kit();
    const subject = { kind: 'target', id: 't/1' } as const;
    for (const s of [0, 1, 2, 3])
      await write(store, { kind: 'journal', event: event({ subject, verdict: `v${s}` }) });
    await write(store, { kind: 'journal', event: event({ subject: { kind: 'target', id: 't/10' } }) });
    const seqs = async (filter: Partial<JournalFilter>) =>
      got(await store.journal({ ...ALL, newestFirst: true, ...filter })).map(one => one.seq);
    expect(await seqs({ subject })).toEqual([4, 3, 2, 1]);
    expect(await seqs({ subject, beforeSeq: 3 })).toEqual([2, 1]);
  });

  it('knows alerts by name and by fingerprint, the latest first, with their first and last time', async () => {
    const { store, reopen } = await kit();
    await write(store, { kind: 'journal', event: named('a1', 'Down') });
    await write(store, { kind: 'journal', event: named('b2', 'Full', { atMs: T0 + 1 }) });
    await write(store, { kind: 'journal', event: named('c3', 'Down', { atMs: T0 + 2 }) });
    await write(store, {
      kind: 'journal',
      event: named('a1', 'Down', { atMs: T0 + 3, verdict: 'resolved' }),
    });
    // Without labels, or about something else: nothing to know an alert by.
    await write(store, {
      kind: 'journal',
      event: event({ subject: { kind: 'alert', fingerprint: 'd4' }, evidence: {} }),
    });
    const again = await reopen();
    const a1 = { fingerprint: 'a1', labels: { alertname: 'Down', instance: 'a1' } };
    expect(got(await again.knownAlerts({ name: 'Down', limit: 10 }))).toEqual([
      { ...a1, firstAtMs: T0, lastAtMs: T0 + 3 },
      {
        fingerprint: 'c3',
        labels: { alertname: 'Down', instance: 'c3' },
        firstAtMs: T0 + 2,
        lastAtMs: T0 + 2,
      },
    ]);
    const prints = async (filter: { readonly name?: string; readonly fingerprint?: string }) =>
      got(await again.knownAlerts({ ...filter, limit: 2 })).map(one => one.fingerprint);
    expect([await prints({}), await prints({ fingerprint: 'b2' }), await prints({ name: 'None' })]).toEqual([
      ['a1', 'c3'],
      ['b2'],
      [],
    ]);
    await write(again, { kind: 'expire', nowMs: T0, journalBeforeMs: T0 + 3 });
    expect(await prints({})).toEqual(['a1']);
  });
}

function deliveryLog(kit: Kit): void {
  const sent = (jobId: string, receiver: string, atMs: number): StateWrite => ({
    kind: 'delivery_intent',
    intent: { ...intent(jobId), receiver, atMs, reason: 'first notification', possibleRepeat: false },
  });
  const ended = (jobId: string, outcome: DeliveryOutcome): StateWrite => ({
    kind: 'delivery_outcome',
    jobId,
    outcome,
    atMs: T0 + 900,
  });
  const filled = async (kit: Kit): Promise<StateStore> => {
    const { store, reopen } = await kit();
    const drop = (reason: string): DeliveryOutcome => ({ kind: 'drop', reason, detail: 'd' });
    await write(store, sent('j1', 'ops/email[0]', T0), {
      ...ended('j1', { kind: 'sent', answer: '250 ok' }),
      attempts: 2,
      deliveredBy: 'sms/webhook[0]',
    } as StateWrite);
    await write(store, sent('j2', 'ops/webhook[1]', T0 + 1), ended('j2', drop('refused')));
    await write(store, sent('j3', 'opsteam/email[0]', T0 + 2), ended('j3', drop('superseded')));
    await write(store, sent('j4', 'ops', T0 + 3), ended('j4', { kind: 'would_have' }));
    await write(store, sent('j5', 'ops/email[0]', T0 + 4), ended('j5', drop('interrupted')));
    await write(store, {
      kind: 'delivery_intent',
      intent: { ...intent('j6'), receiver: 'db/email[0]', atMs: T0 + 5, firing: ['f7'] },
    });
    return reopen();
  };

  it('keeps each message with its outcome, its attempts and who delivered it', async () => {
    const store = await filled(kit);
    const all = got(await store.deliveries({ limit: 100 }));
    expect(all.map(one => [one.intent.jobId, one.verdict])).toEqual([
      ['j6', 'under_way'],
      ['j5', 'interrupted'],
      ['j4', 'would_have'],
      ['j3', 'superseded'],
      ['j2', 'undelivered'],
      ['j1', 'sent'],
    ]);
    expect(all[5]).toEqual({
      intent: {
        ...intent('j1'),
        receiver: 'ops/email[0]',
        reason: 'first notification',
        possibleRepeat: false,
      },
      verdict: 'sent',
      outcome: { kind: 'sent', answer: '250 ok' },
      endedAtMs: T0 + 900,
      attempts: 2,
      deliveredBy: 'sms/webhook[0]',
    });
  });

  const searches: readonly (readonly [Partial<DeliveryFilter>, readonly string[]])[] = [
    [{ receiver: 'ops' }, ['j5', 'j4', 'j2', 'j1']],
    [{ receiver: 'ops/email[0]' }, ['j5', 'j1']],
    [{ receiver: 'op' }, []],
    [{ fingerprint: 'f7' }, ['j6']],
    [{ fingerprint: 'f3', verdict: 'sent' }, ['j1']],
    [{ fingerprint: 'f' }, []],
    [{ verdict: 'undelivered' }, ['j2']],
    [{ fromMs: T0 + 2, toMs: T0 + 4 }, ['j5', 'j4', 'j3']],
    [{ limit: 2, offset: 3 }, ['j3', 'j2']],
  ];
  for (const [filter, ids] of searches) {
    it(`answers messages ${JSON.stringify(filter)}`, async () => {
      const store = await filled(kit);
      const found = got(await store.deliveries({ limit: 100, ...filter }));
      expect(found.map(one => one.intent.jobId)).toEqual(ids);
    });
  }
}

function limits(kit: Kit): void {
  it('forgets events that were last seen before the limit of age', async () => {
    const { store } = await kit();
    for (const s of [0, 1, 2]) {
      await write(store, {
        kind: 'journal',
        event: event({ atMs: T0 + s, verdict: `v${s}`, alerts: ['f'] }),
      });
    }
    await write(store, { kind: 'journal', event: event({ atMs: T0 + 9, verdict: 'v2' }) });
    await write(store, { kind: 'expire', nowMs: T0, journalBeforeMs: T0 + 2 });
    expect(got(await store.journal(ALL)).map(one => one.seq)).toEqual([3]);
    expect(got(await store.journal({ ...ALL, fingerprint: 'f' })).map(one => one.seq)).toEqual([3]);
  });

  it('keeps at most so many events, the newest, and never uses a number twice', async () => {
    const { store, reopen } = await kit({ journalEventsMax: 10 });
    for (let i = 0; i < 25; i++) {
      await write(store, { kind: 'journal', event: event({ verdict: `v${i}`, alerts: ['f'] }) });
    }
    const seqs = got(await store.journal({ ...ALL, fingerprint: 'f' })).map(one => one.seq);
    expect(seqs).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    await write(store, { kind: 'expire', nowMs: T0, journalBeforeMs: T0 + 1 });
    expect(got(await store.journal(ALL))).toEqual([]);
    const again = await reopen();
    await write(again, { kind: 'journal', event: event({}) });
    expect(got(await again.journal(ALL)).map(one => one.seq)).toEqual([26]);
  });

  it('writes anew what repeats a forgotten event', async () => {
    const { store } = await kit();
    await write(store, { kind: 'journal', event: event({}) });
    await write(store, { kind: 'expire', nowMs: T0, journalBeforeMs: T0 + 1 });
    await write(store, { kind: 'journal', event: event({ atMs: T0 + 5 }) });
    expect(got(await store.journal(ALL))).toMatchObject([{ seq: 2, atMs: T0 + 5, repeats: 0 }]);
  });
}

/** What came in one commit may be kept together: each event is found, counted and forgotten on its own all the same. */
function together(kit: Kit): void {
  const COUNT = 150;
  const group = (i: number): JournalEvent =>
    event({
      atMs: T0 + i,
      stage: i % 2 === 0 ? 'group' : 'notify',
      subject: { kind: 'group', groupKey: `g${i % 75}` },
      alerts: [`f${i % 51}`],
      evidence: { i },
    });
  const filled = async (options?: Partial<StatePeerOptions>): Promise<StatePeer> => {
    const peer = await kit(options);
    const all = Array.from({ length: COUNT }, (_, i) => ({ kind: 'journal', event: group(i) }) as const);
    await write(peer.store, ...all);
    return peer;
  };
  const seqs = async (store: StateStore, filter: Partial<JournalFilter>) =>
    got(await store.journal({ ...ALL, ...filter })).map(one => one.seq);

  it('finds each by its alert, its subject and its stage, over a reopening', async () => {
    const { reopen } = await filled();
    const store = await reopen();
    expect(await seqs(store, { fingerprint: 'f7' })).toEqual([8, 59, 110]);
    expect(await seqs(store, { fingerprint: 'f7', stage: 'group' })).toEqual([59]);
    expect(await seqs(store, { subject: { kind: 'group', groupKey: 'g7' } })).toEqual([8, 83]);
    expect(await seqs(store, { subject: { kind: 'group', groupKey: 'g7' }, stage: 'notify' })).toEqual([8]);
    expect(await seqs(store, { fromMs: T0 + 63, toMs: T0 + 65 })).toEqual([64, 65, 66]);
    expect(await seqs(store, {})).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1));
  });

  it('answers them page by page, in both directions', async () => {
    const { store } = await filled();
    const forwards: number[] = [];
    for (let afterSeq = 0; ; afterSeq = forwards.at(-1) ?? 0) {
      const page = await seqs(store, { afterSeq, limit: 37 });
      if (page.length === 0) break;
      forwards.push(...page);
    }
    const backwards: number[] = [];
    for (let beforeSeq = COUNT + 1; ; beforeSeq = backwards.at(-1) ?? 0) {
      const page = await seqs(store, { beforeSeq, limit: 37, newestFirst: true });
      if (page.length === 0) break;
      backwards.push(...page);
    }
    expect(forwards).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1));
    expect(backwards).toEqual([...forwards].reverse());
  });

  it('counts a repeat of each, also of those of before a reopening', async () => {
    const { store, reopen } = await filled();
    const again = (i: number) => ({ kind: 'journal', event: { ...group(i), atMs: T0 + 1000 + i } }) as const;
    await write(store, again(3), again(100), again(3));
    const next = await reopen();
    await write(next, again(3), { kind: 'journal', event: { ...group(149), alerts: ['other'] } });
    const events = got(await next.journal(ALL));
    expect(events).toHaveLength(COUNT);
    expect(events.filter(one => one.repeats > 0).map(one => [one.seq, one.repeats, one.lastAtMs])).toEqual([
      [4, 3, T0 + 1003],
      [101, 1, T0 + 1100],
      [150, 1, T0 + 149],
    ]);
    expect(await seqs(next, { fromMs: T0 + 1001 })).toEqual([4, 101]);
    expect(got(await next.journal({ ...ALL, fingerprint: 'other' }))[0]?.alerts).toEqual(['f47', 'other']);
  });

  it('forgets each by its own age, and what was forgotten is found no more', async () => {
    const { store, reopen } = await filled();
    await write(store, { kind: 'journal', event: { ...group(2), atMs: T0 + 1000 } });
    await write(store, { kind: 'expire', nowMs: T0, journalBeforeMs: T0 + 100 });
    const kept = [3, ...Array.from({ length: 50 }, (_, i) => i + 101)];
    expect(await seqs(store, {})).toEqual(kept);
    expect(await seqs(store, { fingerprint: 'f7' })).toEqual([110]);
    const next = await reopen();
    await write(next, { kind: 'expire', nowMs: T0, journalBeforeMs: T0 + 120 });
    expect(await seqs(next, {})).toEqual(kept.filter(seq => seq === 3 || seq > 120));
    await write(next, { kind: 'journal', event: { ...group(2), atMs: T0 + 2000 } });
    expect(got(await next.journal(ALL))[0]).toMatchObject({ seq: 3, repeats: 2, lastAtMs: T0 + 2000 });
  });

  it('keeps of them the newest, up to the limit', async () => {
    const { store } = await filled({ journalEventsMax: 100 });
    expect(await seqs(store, {})).toEqual(Array.from({ length: 100 }, (_, i) => i + 51));
    await write(store, { kind: 'journal', event: event({ atMs: T0 + 999 }) });
    expect((await seqs(store, {})).slice(0, 2)).toEqual([52, 53]);
    expect(await seqs(store, { fingerprint: 'f1' })).toEqual([53, 104]);
  });
}

function deliveries(kit: Kit): void {
  it('knows an intent as open until its outcome, over a reopening', async () => {
    const { store, reopen } = await kit();
    await write(
      store,
      { kind: 'delivery_intent', intent: intent('j1') },
      { kind: 'delivery_intent', intent: intent('j2') },
    );
    await write(store, outcome('j1'));
    expect(got(await store.openIntents())).toEqual([intent('j2')]);
    const again = await reopen();
    expect(got(await again.openIntents())).toEqual([intent('j2')]);
    await write(again, outcome('j2'));
    expect(got(await again.openIntents())).toEqual([]);
  });

  it('opens a job again when a new intent is written for it', async () => {
    const { store } = await kit();
    await write(store, { kind: 'delivery_intent', intent: intent('j1') });
    await write(store, outcome('j1'));
    await write(store, { kind: 'delivery_intent', intent: { ...intent('j1'), atMs: T0 + 9 } });
    expect(got(await store.openIntents())).toEqual([{ ...intent('j1'), atMs: T0 + 9 }]);
  });

  it('does not forget an open intent by age', async () => {
    const { store } = await kit();
    await write(store, { kind: 'delivery_intent', intent: intent('j1') });
    await write(store, { kind: 'expire', nowMs: T0 + 1e9, journalBeforeMs: T0 + 1e9 });
    expect(got(await store.openIntents())).toHaveLength(1);
  });

  it('keeps the last log entry of each group and receiver', async () => {
    const { store } = await kit();
    const first = entry('g', 'r');
    const second = { ...first, sentAtMs: T0 + 5, firing: ['f9'] };
    await write(
      store,
      { kind: 'notification_log', entry: first },
      { kind: 'notification_log', entry: entry('g', 'r2') },
    );
    await write(store, { kind: 'notification_log', entry: second });
    const log = got(await store.notificationLog());
    expect([...log].sort((a, b) => (a.receiver < b.receiver ? -1 : 1))).toEqual([second, entry('g', 'r2')]);
  });

  it('forgets a log entry once it has expired', async () => {
    const { store } = await kit();
    await write(store, { kind: 'notification_log', entry: { ...entry('g', 'r'), expiresAtMs: T0 + 10 } });
    await write(store, { kind: 'expire', nowMs: T0 + 9, journalBeforeMs: 0 });
    expect(got(await store.notificationLog())).toHaveLength(1);
    await write(store, { kind: 'expire', nowMs: T0 + 10, journalBeforeMs: 0 });
    expect(got(await store.notificationLog())).toEqual([]);
  });
}

function facts(kit: Kit): void {
  it('keeps posted alerts by their fingerprint, the last word on each, until they are to be forgotten', async () => {
    const { store, reopen } = await kit();
    await write(store, { kind: 'posted_alert', alert: posted('a', T0 + 10) });
    await write(store, { kind: 'posted_alert', alert: posted('b', T0 + 3) });
    await write(store, { kind: 'posted_alert', alert: posted('a', T0 + 5) });
    const again = await reopen();
    const kept = got(await again.postedAlerts());
    expect(kept).toEqual([posted('a', T0 + 5), posted('b', T0 + 3)]);
    await write(again, { kind: 'expire_posted', endedBeforeMs: T0 + 5 });
    expect(got(await again.postedAlerts())).toEqual([posted('a', T0 + 5)]);
  });

  it('keeps silences by their id, the last word on each, until they are to be forgotten', async () => {
    const { store, reopen } = await kit();
    const annotations = labelsFrom({ ticket: 'é-7' });
    await write(store, { kind: 'silence', silence: { ...silence('s1', T0 + 10), annotations } });
    await write(store, { kind: 'silence', silence: silence('s2', T0 + 20) });
    await write(store, { kind: 'silence', silence: silence('s2', T0 + 5) });
    const again = await reopen();
    expect(got(await again.silences())).toEqual([
      { ...silence('s1', T0 + 10), annotations },
      silence('s2', T0 + 5),
    ]);
    await write(again, { kind: 'expire_silences', endedBeforeMs: T0 + 6 });
    expect(got(await again.silences()).map(one => one.id)).toEqual(['s1']);
    await write(again, { kind: 'expire_silences', endedBeforeMs: T0 + 10 });
    expect(got(await again.silences()).map(one => one.id)).toEqual(['s1']);
  });

  it('keeps the last state of each recovery run, newest first, with its steps', async () => {
    const { store, reopen } = await kit();
    await write(store, { kind: 'recovery_run', run: run('r1', 'running') });
    await write(store, {
      kind: 'recovery_run',
      run: { ...run('r2', 'recovered'), proposedAtMs: T0 + 1, fingerprint: 'f2' },
    });
    const changed = {
      ...run('r1', 'verifying'),
      labels: { ['__proto__']: 'x', job: 'é' },
      changedAtMs: T0 + 7,
    };
    await write(store, { kind: 'recovery_run', run: changed });
    const again = await reopen();
    const ids = async (filter: Parameters<StateStore['recoveryRuns']>[0]) =>
      got(await again.recoveryRuns(filter)).map(one => one.id);
    expect(await ids({ unfinishedOnly: false, limit: 10 })).toEqual(['r2', 'r1']);
    expect(await ids({ unfinishedOnly: false, limit: 1 })).toEqual(['r2']);
    expect(await ids({ unfinishedOnly: true, limit: 10 })).toEqual(['r1']);
    expect(await ids({ unfinishedOnly: false, fingerprint: 'f2', limit: 10 })).toEqual(['r2']);
    expect(got(await again.recoveryRuns({ unfinishedOnly: true, limit: 10 }))).toEqual([changed]);
  });

  const states: readonly (readonly [RecoveryState, unfinished: boolean])[] = [
    ['proposed', true],
    ['waiting_approval', true],
    ['running', true],
    ['verifying', true],
    ['failed', true],
    ['unknown', true],
    ['blocked', false],
    ['recovered', false],
    ['escalated', false],
  ];
  it('counts a run as unfinished while its state is not final', async () => {
    const { store } = await kit();
    for (const [state] of states) await write(store, { kind: 'recovery_run', run: run(state, state) });
    const found = got(await store.recoveryRuns({ unfinishedOnly: true, limit: 100 })).map(one => one.id);
    expect([...found].sort()).toEqual(states.flatMap(([state, open]) => (open ? [state] : [])).sort());
  });

  it('replaces the alerts of a rule, and forgets a rule without alerts', async () => {
    const { store, reopen } = await kit();
    await write(store, { kind: 'rule_alerts', ruleKey: 'a', alerts: [alert({ x: '1' }), alert({ x: '2' })] });
    await write(store, { kind: 'rule_alerts', ruleKey: 'b', alerts: [alert({ x: '3' })] });
    await write(store, { kind: 'rule_alerts', ruleKey: 'a', alerts: [alert({ x: '2' })] });
    await write(store, { kind: 'rule_alerts', ruleKey: 'b', alerts: [] });
    const again = await reopen();
    expect(got(await again.ruleAlerts())).toEqual(new Map([['a', [alert({ x: '2' })]]]));
  });

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0.1, 1e300]) {
    it(`keeps an alert with the value ${Object.is(value, -0) ? '-0' : value} and odd labels`, async () => {
      const { store, reopen } = await kit();
      const odd = alert({ __proto__x: 'é\u{1F600}\uFFFD', 'a"b\\': 'x\ny\0z' }, value);
      await write(store, { kind: 'rule_alerts', ruleKey: 'k', alerts: [odd] });
      const kept = got(await (await reopen()).ruleAlerts()).get('k');
      expect(kept).toEqual([odd]);
      expect(Object.is(kept?.[0]?.value, value)).toBe(true);
    });
  }

  it('keeps settings', async () => {
    const { store, reopen } = await kit();
    expect(got(await store.setting('none'))).toBeUndefined();
    for (const value of [{ a: [1, null] }, null, false, 0, '', 'text']) {
      await write(store, { kind: 'setting', key: 'k', value });
      expect(got(await store.setting('k'))).toEqual(value);
    }
    expect(got(await (await reopen()).setting('k'))).toBe('text');
  });
}

function commits(kit: Kit): void {
  it('lets a reader see its own commits at once, even before they are answered', async () => {
    const { store } = await kit();
    const pending = store.commit([{ kind: 'setting', key: 'k', value: 1 }], 'grouped');
    const seen = got(await store.setting('k'));
    got(await pending);
    expect(seen).toBe(1);
  });

  it('takes commits in the order of the calls, grouped and synced mixed', async () => {
    const { store } = await kit();
    const pending = Array.from({ length: 50 }, (_, i) =>
      store.commit(
        [
          { kind: 'setting', key: 'last', value: i },
          { kind: 'journal', event: event({ verdict: `v${i}` }) },
        ],
        i % 7 === 0 ? 'synced' : 'grouped',
      ),
    );
    for (const result of await Promise.all(pending)) got(result);
    expect(got(await store.setting('last'))).toBe(49);
    expect(got(await store.journal(ALL)).map(one => one.verdict)).toEqual(
      Array.from({ length: 50 }, (_, i) => `v${i}`),
    );
  });

  it('takes an empty commit', async () => {
    const { store } = await kit();
    got(await store.commit([], 'synced'));
    got(await store.commit([], 'grouped'));
  });

  it('keeps everything over a reopening, grouped commits too', async () => {
    const { store, reopen } = await kit();
    got(await store.commit([{ kind: 'journal', event: event({}) }], 'grouped'));
    const again = await reopen();
    expect(got(await again.journal(ALL))).toHaveLength(1);
    await write(again, { kind: 'journal', event: event({ atMs: T0 + 1 }) });
    expect(got(await again.journal(ALL))).toMatchObject([{ seq: 1, repeats: 1 }]);
  });

  it('answers state-closed after closing, and closes twice without harm', async () => {
    const { store } = await kit();
    await store.close();
    await store.close();
    const closed = { ok: false, error: { code: 'state-closed' } };
    expect(await store.commit([], 'synced')).toMatchObject(closed);
    expect(await store.journal(ALL)).toMatchObject(closed);
    expect(await store.setting('k')).toMatchObject(closed);
  });
}

// --- helpers ----------------------------------------------------------------------------------------

async function write(store: StateStore, ...writes: readonly StateWrite[]): Promise<void> {
  got(await store.commit(writes, 'synced'));
}

function got<T>(result: Result<T, StateFailure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

function event(change: Partial<JournalEvent>): JournalEvent {
  return {
    atMs: T0,
    stage: 'rule',
    subject: { kind: 'alert', fingerprint: 'f' },
    alerts: [],
    verdict: 'firing',
    reason: 'value above 5',
    evidence: {},
    effects: 'live',
    configVersion: 'v1',
    ...change,
  };
}

function intent(jobId: string): DeliveryIntent {
  return { jobId, groupKey: 'g{"a"}', receiver: 'mail', atMs: T0, firing: ['f1', 'f2'], resolved: ['f3'] };
}

function outcome(jobId: string): StateWrite {
  return { kind: 'delivery_outcome', jobId, outcome: { kind: 'sent', answer: '250 ok' }, atMs: T0 + 1 };
}

function entry(groupKey: string, receiver: string): NotificationLogEntry {
  return { groupKey, receiver, sentAtMs: T0, firing: ['f1'], resolved: [], expiresAtMs: T0 + 1e6 };
}

function run(id: string, state: RecoveryState): RecoveryRun {
  return {
    id,
    playbook: 'restart',
    fingerprint: 'f1',
    labels: { alertname: 'Down' },
    expr: 'up == 0',
    state,
    reason: 'because',
    attempt: 1,
    proposedAtMs: T0,
    changedAtMs: T0,
    steps: [{ name: 'restart', startedAtMs: T0, endedAtMs: T0 + 1, outcome: 'ok', output: 'done\n' }],
  };
}

function alert(labels: Readonly<Record<string, string>>, value = 1): Alert {
  const set = labelsFrom({ alertname: 'Down', ...labels });
  return {
    labels: set,
    fingerprint: fingerprint(set),
    annotations: labelsFrom({ summary: 'It is down' }),
    state: 'firing',
    activeAtMs: T0,
    firedAtMs: T0 + 1,
    reason: 'value above 5',
    value,
    rule: { file: 'rules.yml', group: 'g', name: 'Down', labelsKey: '' },
    expr: 'up == 0',
    generatorUrl: 'http://localhost/graph',
  };
}

function silence(id: string, endsAtMs: number): Silence {
  const matchers = [{ name: 'job', op: '=~', value: 'a|"b"' } as const];
  return { id, matchers, startsAtMs: T0, endsAtMs, updatedAtMs: T0 + 1, createdBy: 'me', comment: 'ü\n' };
}

function posted(instance: string, endsAtMs: number): PostedRecord {
  const labels = labelsFrom({ alertname: 'Down', instance });
  return {
    fingerprint: `f-${instance}`,
    labels,
    annotations: labelsFrom({ summary: 'ü' }),
    startsAtMs: T0,
    endsAtMs,
    endIsTimeout: true,
    updatedAtMs: T0 + 2,
    generatorUrl: 'http://p/g',
  };
}
