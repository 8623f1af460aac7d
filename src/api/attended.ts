// Long reads beside queries (series, labels, search, federation): each waits for its turn among the queries, is counted and
// limited as they are, and begins again where memory was short.

import { type Err, err, ok, type Result } from '../base/index.ts';
import {
  type AdmittedRead,
  formatMatcher,
  type Matcher,
  type QueryFailure,
  type ReadFailure,
  type TimeRange,
} from '../model/index.ts';
import type { ApiDeps } from './deps.ts';
import type { Asked } from './prometheus.ts';

/** What is read, as whoever looks at the list of queries sees it. */
export interface Reads {
  readonly anyOf: readonly (readonly Matcher[])[];
  readonly range: TimeRange;
}

export interface Attended<T> {
  readonly value: T;
  /** Once the answer is sent, or is not held any more. */
  readonly handBack: () => void;
}

/** `read` may be called several times. What it says is passed over where it was told to stop: then the reason counts. */
export async function attended<T>(
  deps: Pick<ApiDeps, 'query'>,
  { asked, reads }: { readonly asked: Asked; readonly reads: Reads },
  read: (work: AdmittedRead) => Promise<Result<T, ReadFailure>>,
): Promise<Result<Attended<T>, QueryFailure>> {
  const { request, principal, signal } = asked;
  const text = textOf(request.path, reads.anyOf);
  const long = { text, range: reads.range, principal, client: request.remoteAddress };
  const entered = await deps.query.enter(long, signal);
  if (!entered.ok) return entered;
  const work = entered.value;
  for (;;) {
    const answered = await carefully(work, read);
    if (answered.ok && work.stopped === undefined)
      return ok({ value: answered.value, handBack: work.end(undefined) });
    if (await work.again()) continue;
    const failure = work.stopped ?? (answered.ok ? LEFT : answered.error);
    work.end(failure);
    return err(failure);
  }
}

const LEFT = { code: 'query-cancelled' as const, message: 'The read was cancelled' };

/** For `read` where its work says no: the reason is the work's. */
export const STOPPED: Err<ReadFailure> = err(LEFT);

/** An error of the program goes on to whoever asked, and its place in the queue does not stay taken. */
async function carefully<T>(
  work: AdmittedRead,
  read: (work: AdmittedRead) => Promise<Result<T, ReadFailure>>,
): Promise<Result<T, ReadFailure>> {
  try {
    return await read(work);
  } catch (error) {
    work.end({ code: 'query-execution', message: 'An error of the program ended the read' });
    throw error;
  }
}

/** The route, and each selector in braces. */
export function textOf(route: string, anyOf: readonly (readonly Matcher[])[]): string {
  const selectors = anyOf.map(matchers => `{${matchers.map(formatMatcher).join(', ')}}`);
  return [route, ...selectors].join(' ');
}
