// Prometheus's routes for the stored samples: delete_series, clean_tombstones, snapshot; and compact, which is ours.

import { err, ok, type Result, type ServerResponse } from '../base/index.ts';
import { type Matcher, METRIC_NAME } from '../model/index.ts';
import { parseExpr } from '../promql/parser/index.ts';
import type { AdminError, ApiDeps, StorageAdmin } from './deps.ts';
import { parseTime } from './params.ts';
import type { Asked } from './prometheus.ts';
import { failure, success } from './respond.ts';

type Answer = (deps: ApiDeps, asked: Asked) => Promise<ServerResponse>;

/** As Prometheus says it; the remedy is ours. */
const DISABLED = 'admin APIs disabled; set web.admin_api: true';

function admin(
  work: (storage: StorageAdmin, deps: ApiDeps, asked: Asked) => Promise<ServerResponse>,
): Answer {
  return async (deps, asked) => {
    const storage = deps.admin();
    return storage === undefined ? failure('unavailable', DISABLED) : work(storage, deps, asked);
  };
}

export const deleteSeries = admin(async (storage, _, { params }) => {
  const selectors = params.getAll('match[]');
  if (selectors.length === 0) return failure('bad_data', 'no match[] parameter provided');
  const fromMs = boundary(params, 'start', Number.NEGATIVE_INFINITY);
  if (!fromMs.ok) return failure('bad_data', fromMs.error);
  const toMs = boundary(params, 'end', Number.POSITIVE_INFINITY);
  if (!toMs.ok) return failure('bad_data', toMs.error);
  const wanted: (readonly Matcher[])[] = [];
  for (const selector of selectors) {
    const matchers = matchersOf(selector);
    if (!matchers.ok) return failure('bad_data', `invalid parameter "match[]": ${matchers.error}`);
    wanted.push(matchers.value);
  }
  // All are read before the first is carried out: a typing error in the last must not leave half of the work done.
  for (const matchers of wanted) {
    const deleted = await storage.deleteSeries(matchers, { fromMs: fromMs.value, toMs: toMs.value });
    if (!deleted.ok) return failed(deleted.error);
  }
  return NOTHING_TO_SAY;
});

export const cleanTombstones = admin(async storage => {
  const cleaned = await storage.cleanTombstones();
  return cleaned.ok ? NOTHING_TO_SAY : failed(cleaned.error);
});

export const compact = admin(async storage => {
  const compacted = await storage.compact();
  return compacted.ok ? NOTHING_TO_SAY : failed(compacted.error);
});

export const snapshot = admin(async (storage, deps) => {
  const name = new Date(deps.clock.nowMs()).toISOString().replace(/[-:]/g, '').replace('.', '-');
  const taken = await storage.snapshot(name);
  return taken.ok ? success({ name }) : failed(taken.error);
});

const NOTHING_TO_SAY: ServerResponse = { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };

function failed({ code, message }: AdminError): ServerResponse {
  if (code === 'bad-matcher' || code === 'bad-name') return failure('bad_data', message);
  return failure(code === 'storage-closed' ? 'unavailable' : 'internal', message);
}

function boundary(params: URLSearchParams, name: string, absent: number): Result<number, string> {
  const text = params.get(name) ?? '';
  if (text === '') return ok(absent);
  const parsed = parseTime(text);
  return parsed.ok ? parsed : err(`invalid parameter "${name}": ${parsed.error}`);
}

/** The matchers of a plain selector; one that every series satisfies is refused, as Prometheus does. */
function matchersOf(text: string): Result<readonly Matcher[], string> {
  const parsed = parseExpr(text);
  if (!parsed.ok) return err(parsed.error[0].message);
  const { value } = parsed;
  if (value.kind !== 'selector') return err(`"${text}" is not a series selector`);
  if (value.offset !== undefined || value.at !== undefined || value.modifier !== undefined)
    return err(`"${text}" is not a plain series selector`);
  const named: Matcher[] = value.name === '' ? [] : [{ name: METRIC_NAME, op: '=', value: value.name }];
  return ok([...named, ...value.matchers]);
}
