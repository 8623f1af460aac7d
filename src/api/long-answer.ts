// Long answers of queries: written piece by piece, giving way between them, while the client takes them. As one text such an
// answer would hold this thread up for as long as it takes to write, and stand in memory twice.

import type { ServerResponse, Turns } from '../base/index.ts';
import type { QueryAnswer } from '../model/index.ts';
import type { QueryStatsJson } from './contract.ts';
import { answerRows } from './encode.ts';
import { json } from './respond.ts';

/** Points of an answer that is still written at once, in some milliseconds. */
const SHORT_POINTS_MAX = 10_000;
/** Of text that is given to the connection at once. */
const PIECE_CHARS = 64 * 1024;

export interface LongAnswer {
  readonly answer: QueryAnswer;
  readonly stats: QueryStatsJson | undefined;
  /** Series at most; 0 for all. */
  readonly limit: number;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** That the answer was cut at the limit. */
  readonly cutWarning: string;
  /** Called once the answer is no longer held, however that came. */
  readonly handBack: () => void;
}

export function isLong({ series }: QueryAnswer): boolean {
  let points = 0;
  for (const { values } of series) points += values.length;
  return points > SHORT_POINTS_MAX;
}

export function longAnswer(turns: Turns, long: LongAnswer): ServerResponse {
  return { ...json(200, ''), body: piecesOf(turns, long) };
}

/** Not a generator alone: one that was never begun would not hand the room back. */
function piecesOf(turns: Turns, long: LongAnswer): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]() {
      const pieces = write(turns, long);
      return {
        async next() {
          const next = await pieces.next();
          if (next.done === true) long.handBack();
          return next;
        },
        async return() {
          long.handBack();
          return pieces.return(undefined);
        },
      };
    },
  };
}

async function* write(turns: Turns, long: LongAnswer): AsyncGenerator<string, undefined> {
  const { answer, stats, limit } = long;
  const { resultType } = answer;
  const warnings = [...long.warnings];
  let text = `{"status":"success","data":{"resultType":${JSON.stringify(resultType)},"result":[`;
  let count = 0;
  const work = turns.start('usual');
  await turns.take(work);
  for (const row of answerRows(answer)) {
    if (limit > 0 && count === limit) {
      warnings.push(long.cutWarning);
      break;
    }
    text += (count++ > 0 ? ',' : '') + JSON.stringify(row);
    if (text.length >= PIECE_CHARS) {
      yield text;
      text = '';
      // The client may have taken its time.
      await turns.take(work);
    }
    if (turns.isDue()) await turns.next(work);
  }
  text += stats === undefined ? ']}' : `],"stats":${JSON.stringify(stats)}}`;
  if (warnings.length > 0) text += `,"warnings":${JSON.stringify(warnings)}`;
  if (long.infos.length > 0) text += `,"infos":${JSON.stringify(long.infos)}`;
  yield `${text}}`;
  return undefined;
}
