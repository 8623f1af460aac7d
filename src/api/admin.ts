// Prometheus's routes for the stored samples: delete_series, clean_tombstones, snapshot; and compact, which is ours.

import type { ServerResponse } from '../base/index.ts';
import type { SnapshotJson } from './contract.ts';
import type { AdminError, ApiDeps, StorageAdmin } from './deps.ts';
import { booleanParam, boundary } from './params.ts';
import type { Asked } from './prometheus.ts';
import { failure, success } from './respond.ts';
import { selectorParams } from './selectors.ts';

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
  if (!params.has('match[]')) return failure('bad_data', 'no match[] parameter provided');
  const fromMs = boundary(params, 'start', Number.NEGATIVE_INFINITY);
  if (!fromMs.ok) return failure('bad_data', fromMs.error);
  const toMs = boundary(params, 'end', Number.POSITIVE_INFINITY);
  if (!toMs.ok) return failure('bad_data', toMs.error);
  const wanted = selectorParams(params);
  if (!wanted.ok) return failure('bad_data', wanted.error);
  // All are read before the first is carried out: a typing error in the last must not leave half of the work done.
  for (const matchers of wanted.value) {
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

export const snapshot = admin(async (storage, deps, { params }) => {
  const skipHead = booleanParam(params, 'skip_head', false);
  if (!skipHead.ok) return failure('bad_data', skipHead.error);
  const name = new Date(deps.clock.nowMs()).toISOString().replace(/[-:]/g, '').replace('.', '-');
  const taken = await storage.snapshot({ name, skipHead: skipHead.value });
  return taken.ok ? success<SnapshotJson>({ name, folder: taken.value.folder }) : failed(taken.error);
});

const NOTHING_TO_SAY: ServerResponse = { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };

function failed({ code, message }: AdminError): ServerResponse {
  if (code === 'bad-matcher' || code === 'bad-name') return failure('bad_data', message);
  return failure(code === 'storage-closed' ? 'unavailable' : 'internal', message);
}
