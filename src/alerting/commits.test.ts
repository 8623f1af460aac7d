// What dispatch writes: posted alerts at once, their journal behind them, nothing lost while the database refuses.

import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { err, ok } from '../base/index.ts';
import { type Durability, labelsFrom, type StateWrite } from '../model/index.ts';
import { Commits } from './commits.ts';

const START_MS = Date.UTC(2026, 0, 1);

function posted(fingerprint: string): StateWrite {
  const labels = labelsFrom({ alertname: 'Down', instance: fingerprint });
  const times = {
    startsAtMs: START_MS,
    endsAtMs: START_MS + 1000,
    updatedAtMs: START_MS,
    endIsTimeout: false,
  };
  return {
    kind: 'posted_alert',
    alert: { fingerprint, labels, annotations: labelsFrom({}), generatorUrl: '', ...times },
  };
}

function event(verdict: string): StateWrite {
  return {
    kind: 'journal',
    event: {
      ...{ atMs: START_MS, stage: 'route', subject: { kind: 'system' }, alerts: [], verdict, reason: 'r' },
      ...{ evidence: {}, effects: 'live', configVersion: 'v' },
    },
  };
}

/** Each commit in one word for each write, in the order in which they were asked for; `answer` ends the oldest that is open. */
function kit() {
  const clock = new FakeClock(START_MS);
  const asked: string[] = [];
  const open: ((isTaken: boolean) => void)[] = [];
  const word = (write: StateWrite): string =>
    write.kind === 'posted_alert'
      ? write.alert.fingerprint
      : write.kind === 'journal'
        ? write.event.verdict
        : '?';
  const commits = new Commits({
    clock,
    log: new CollectingLog(),
    onDropped: () => {},
    state: {
      commit: (writes: readonly StateWrite[], durability: Durability) => {
        asked.push(`${durability} ${writes.map(word).join()}`);
        return new Promise(resolve => {
          open.push(isTaken =>
            resolve(isTaken ? ok(undefined) : err({ code: 'state-io', message: 'disk full' })),
          );
        });
      },
    },
  });
  const answer = async (isTaken = true): Promise<void> => {
    open.shift()?.(isTaken);
    await clock.advance(0);
  };
  return { clock, commits, asked, answer };
}

it('commits posted alerts at once and their journal once nobody has posted for a while', async () => {
  const { clock, commits, asked, answer } = kit();
  commits.add([posted('a'), event('matched')]);
  let answered = 0;
  void commits.posted().then(() => answered++);
  await clock.advance(1);
  expect(asked).toEqual(['urgent a']);
  await answer();
  expect(answered).toBe(1);
  commits.add([posted('b'), event('waiting')]);
  void commits.posted().then(() => answered++);
  await clock.advance(1);
  expect(asked).toEqual(['urgent a', 'urgent b']);
  await answer();
  expect(answered).toBe(2);
  await clock.advance(10);
  expect(asked).toHaveLength(2);
  await clock.advance(30);
  expect(asked).toEqual(['urgent a', 'urgent b', 'grouped matched,waiting']);
});

it('commits a journal without posts at once', async () => {
  const { clock, commits, asked } = kit();
  commits.add([event('notify')]);
  await clock.advance(0);
  expect(asked).toEqual(['grouped notify']);
});

it('writes the journal after a second although posts go on and on', async () => {
  const { clock, commits, asked, answer } = kit();
  let posts = 0;
  const postAgain = async (): Promise<void> => {
    commits.add([posted(`p${posts}`), event(`e${posts}`)]);
    posts += 1;
    await clock.advance(0);
    await answer();
    await clock.advance(10);
  };
  while (!asked.some(one => one.startsWith('grouped')) && posts < 200) await postAgain();
  expect(posts).toBeGreaterThan(50);
  expect(posts).toBeLessThan(120);
  expect(asked.find(one => one.startsWith('grouped'))).toContain('e0,e1,e2');
});

it('gathers no longer for whoever waits until all is written', async () => {
  const { clock, commits, asked, answer } = kit();
  commits.add([posted('a'), event('matched')]);
  await clock.advance(0);
  await answer();
  let isWritten = false;
  void commits.written().then(() => {
    isWritten = true;
  });
  await clock.advance(0);
  expect(asked).toEqual(['urgent a', 'grouped matched']);
  await answer();
  expect(isWritten).toBe(true);
});

it('answers a post when the database refuses, and tries again what it refused', async () => {
  const { clock, commits, asked, answer } = kit();
  commits.add([posted('a')]);
  let answered = 0;
  void commits.posted().then(() => answered++);
  await clock.advance(0);
  await answer(false);
  expect(answered).toBe(1);
  commits.add([posted('b')]);
  await clock.advance(1000);
  expect(asked).toEqual(['urgent a', 'urgent a,b']);
  await answer();
});
