// Requests to the server, and its live stream.

import {
  API_PREFIX,
  type Failure,
  type LiveJson,
  OWN_PREFIX,
  type QueryData,
  type StatusJson,
  type Success,
} from '../../src/api/contract.ts';
import type { DeliveriesJson, ExplainJson } from '../../src/api/contract-explain.ts';

/** Of a route as it stands in the contract: seen from the page, so that it holds under any prefix, and behind any proxy. */
export function addressOf(route: string, base = document.baseURI): string {
  return new URL(`.${route}`, base).href;
}

async function ask<T>(route: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(addressOf(route), init);
  const body = (await response.json()) as Success<T> | Failure;
  if (body.status === 'error') throw new Error(body.error);
  return body.data;
}

export function fetchStatus(): Promise<StatusJson> {
  return ask(`${OWN_PREFIX}/status`);
}

/** `atMs`: as it was then; undefined: now. */
export function fetchExplain(fingerprint: string, atMs: number | undefined): Promise<ExplainJson> {
  const at = atMs === undefined ? {} : { at: String(atMs / 1000) };
  return ask(`${OWN_PREFIX}/explain?${new URLSearchParams({ alert: fingerprint, ...at })}`);
}

/** Messages that list an alert, the newest first. */
export function fetchDeliveries(fingerprint: string): Promise<DeliveriesJson> {
  return ask(`${OWN_PREFIX}/deliveries?${new URLSearchParams({ alert: fingerprint, limit: '20' })}`);
}

export async function sendTest(receiver: string): Promise<string> {
  const { answer } = await ask<{ answer: string }>(
    `${OWN_PREFIX}/receivers/${encodeURIComponent(receiver)}/test`,
    { method: 'POST' },
  );
  return answer;
}

export interface RangeQuery {
  readonly expr: string;
  readonly startS: number;
  readonly endS: number;
  readonly stepS: number;
}

export function fetchRange(query: RangeQuery, signal: AbortSignal): Promise<QueryData> {
  const body = new URLSearchParams({
    query: query.expr,
    start: String(query.startS),
    end: String(query.endS),
    step: String(query.stepS),
  });
  return ask(`${API_PREFIX}/query_range`, { method: 'POST', body, signal });
}

export interface LiveState extends Required<Omit<LiveJson, 'nowMs'>> {
  readonly nowMs: number;
  readonly connected: boolean;
}

export const NOTHING_YET: LiveState = {
  targets: [],
  alerts: [],
  runs: [],
  receivers: [],
  timeline: [],
  nowMs: 0,
  connected: false,
};

/** Events kept on the page. */
const TIMELINE_KEPT = 200;

/** What is known after a message: lists are replaced, timeline events are merged by number, newest first. */
export function merge(state: LiveState, message: LiveJson, kind: 'snapshot' | 'change'): LiveState {
  const { timeline = [], ...lists } = message;
  const fresh = new Set(timeline.map(event => event.seq));
  const kept = kind === 'snapshot' ? [] : state.timeline.filter(event => !fresh.has(event.seq));
  const merged = [...timeline, ...kept].sort((a, b) => b.seq - a.seq).slice(0, TIMELINE_KEPT);
  return { ...state, ...lists, timeline: merged, connected: true };
}

/** Follows the live stream until the returned function is called. The browser reconnects by itself. */
export function follow(onState: (change: (state: LiveState) => LiveState) => void): () => void {
  const source = new EventSource(addressOf(`${OWN_PREFIX}/live`));
  const take = (kind: 'snapshot' | 'change') => (event: MessageEvent<string>) => {
    const message = JSON.parse(event.data) as LiveJson;
    onState(state => merge(state, message, kind));
  };
  source.addEventListener('snapshot', take('snapshot'));
  source.addEventListener('change', take('change'));
  source.addEventListener('error', () => onState(state => ({ ...state, connected: false })));
  return () => source.close();
}
