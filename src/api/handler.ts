// The one entry for all requests: who asks, which route, may they, answer.

import type { ServerHandler, ServerRequest, ServerResponse } from '../base/index.ts';
import { bringsToken, createAccess, isFromElsewhere, mayAct, type Refusal } from './access.ts';
import * as admin from './admin.ts';
import { alertmanagerRoutes } from './alertmanager/routes.ts';
import { API_PREFIX, OWN_PREFIX } from './contract.ts';
import { preflight, withCors } from './cors.ts';
import type { AccessSettings, ApiDeps } from './deps.ts';
import * as exemplars from './exemplars.ts';
import { deliveries, explain, groups } from './explain/index.ts';
import { features } from './features.ts';
import { federate } from './federate.ts';
import { liveNotifications, notifications } from './notifications.ts';
import * as own from './own.ts';
import { readParams } from './params.ts';
import { parseQuery } from './parse-query.ts';
import { baseHref, placeOf } from './prefix.ts';
import type { Asked } from './prometheus.ts';
import * as prometheus from './prometheus.ts';
import { createRemoteRead, READ_LIMITS } from './remote-read.ts';
import { bytes, failure, plain, redirect, success } from './respond.ts';
import { CHANGE, FORM, GET, type Route, route } from './route.ts';
import { rules } from './rules.ts';
import * as search from './search.ts';
import * as series from './series.ts';
import * as status from './status.ts';
import * as targets from './targets.ts';
import { tsdbStatus } from './tsdb-status.ts';

const ROUTES: readonly Route[] = [
  route(FORM, `${API_PREFIX}/query`, prometheus.query),
  route(FORM, `${API_PREFIX}/query_range`, prometheus.queryRange),
  route(FORM, `${API_PREFIX}/query_exemplars`, exemplars.queryExemplars),
  route(GET, `${API_PREFIX}/metadata`, exemplars.metadata),
  route(GET, `${API_PREFIX}/targets`, targets.targets),
  route(GET, `${API_PREFIX}/targets/metadata`, targets.targetMetadata),
  route(GET, `${API_PREFIX}/targets/relabel_steps`, targets.relabelSteps),
  route(GET, `${API_PREFIX}/rules`, rules),
  route(GET, `${API_PREFIX}/alerts`, prometheus.alerts),
  route(FORM, `${API_PREFIX}/series`, series.series),
  route(FORM, `${API_PREFIX}/labels`, series.labels),
  route(GET, `${API_PREFIX}/label/([^/]+)/values`, series.labelValues),
  route(FORM, `${API_PREFIX}/format_query`, prometheus.formatQuery),
  route(FORM, `${API_PREFIX}/parse_query`, parseQuery),
  route(FORM, `${API_PREFIX}/search/metric_names`, search.searchMetricNames),
  route(FORM, `${API_PREFIX}/search/label_names`, search.searchLabelNames),
  route(FORM, `${API_PREFIX}/search/label_values`, search.searchLabelValues),
  route(GET, `${API_PREFIX}/scrape_pools`, targets.scrapePools),
  route(GET, `${API_PREFIX}/alertmanagers`, prometheus.alertmanagers),
  route(GET, `${API_PREFIX}/features`, features),
  route(GET, `${API_PREFIX}/notifications`, notifications),
  route(GET, `${API_PREFIX}/notifications/live`, liveNotifications),
  route(GET, `${API_PREFIX}/status/config`, status.config),
  route(GET, `${API_PREFIX}/status/flags`, status.flags),
  route(GET, `${API_PREFIX}/status/walreplay`, status.walReplay),
  route(GET, `${API_PREFIX}/status/tsdb/blocks`, status.blocks),
  route(GET, `${API_PREFIX}/status/self_metrics`, status.selfMetrics),
  route(GET, `${API_PREFIX}/status/runtimeinfo`, prometheus.runtimeInfo),
  route(GET, '/federate', federate),
  route(GET, `${API_PREFIX}/status/buildinfo`, prometheus.buildInfo),
  route(GET, `${API_PREFIX}/status/tsdb`, tsdbStatus),
  route(['POST'], `${API_PREFIX}/write`, remoteWrite, 'operator'),
  route(CHANGE, `${API_PREFIX}/admin/tsdb/delete_series`, admin.deleteSeries, 'admin'),
  route(CHANGE, `${API_PREFIX}/admin/tsdb/clean_tombstones`, admin.cleanTombstones, 'admin'),
  route(CHANGE, `${API_PREFIX}/admin/tsdb/snapshot`, admin.snapshot, 'admin'),
  route(CHANGE, `${API_PREFIX}/admin/tsdb/compact`, admin.compact, 'admin'),
  route(GET, `${OWN_PREFIX}/status`, deps => success(deps.status())),
  route(GET, `${OWN_PREFIX}/timeline`, own.timeline),
  route(GET, `${OWN_PREFIX}/runs`, own.runs),
  route(GET, `${OWN_PREFIX}/receivers`, own.receivers),
  route(GET, `${OWN_PREFIX}/remote-write`, own.remoteWrites),
  route(
    ['POST'],
    `${OWN_PREFIX}/receivers/(.+)/test`,
    (deps, _, name) => own.testReceiver(deps, name),
    'operator',
  ),
  route(GET, `${OWN_PREFIX}/explain`, explain),
  route(GET, `${OWN_PREFIX}/deliveries`, deliveries),
  route(GET, `${OWN_PREFIX}/groups`, groups),
  route(GET, `${OWN_PREFIX}/live`, own.live),
  route(GET, `${OWN_PREFIX}/queries`, own.queries),
  route(GET, '/metrics', deps => plain(200, deps.metricsPage(), PAGE_TYPE)),
  route(GET, '/metrics/host', deps => plain(200, deps.hostPage(), PAGE_TYPE)),
  route(CHANGE, '/-/reload', reload, 'admin'),
];

const PAGE_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Load balancers and service managers ask these without credentials; they say nothing but yes or no. */
function probe(deps: ApiDeps, path: string): ServerResponse | undefined {
  if (path === '/-/healthy') return plain(200, 'Watchkeeper is healthy.\n');
  if (path !== '/-/ready') return undefined;
  return deps.ready() ? plain(200, 'Watchkeeper is ready.\n') : plain(503, 'Watchkeeper is starting.\n');
}

type Access = ReturnType<typeof createAccess>;

interface Serving {
  readonly deps: ApiDeps;
  /** As they are now. */
  readonly settings: AccessSettings;
  readonly access: Access;
  readonly routes: readonly Route[];
}

/** Who may ask is asked for with each request: other settings are in force with the next one. */
export function createApi(deps: ApiDeps, settingsNow: () => AccessSettings): ServerHandler {
  // A table of its own: remote read counts who is being answered, alerts are remembered as text.
  const routes = [
    ...ROUTES,
    ...alertmanagerRoutes(),
    route(['POST'], `${API_PREFIX}/read`, createRemoteRead(READ_LIMITS, deps.metrics)),
  ];
  let serving = servingBy(settingsNow());
  function servingBy(settings: AccessSettings): Serving {
    return { deps, settings, routes, access: createAccess(settings) };
  }
  return async request => {
    const settings = settingsNow();
    if (settings !== serving.settings) serving = servingBy(settings);
    const placed = placeOf(request.path, settings.routePrefix);
    if (placed.kind !== 'inside') return besidePrefix(serving, request, placed.kind);
    const inside = { ...request, path: placed.path };
    const answer = await answerTo(serving, inside);
    return inside.path.startsWith('/api/') ? withCors(answer, inside, settings.corsOrigin) : answer;
  };
}

/** The root leads to where everything is; elsewhere is nothing. */
async function besidePrefix(
  { settings, access }: Serving,
  request: ServerRequest,
  kind: 'entry' | 'outside',
): Promise<ServerResponse> {
  const principal = await access(request);
  if (!principal.ok) return refused(principal.error);
  if (kind === 'entry' && GET.includes(request.method)) return redirect(`${settings.routePrefix}/`);
  return failure(
    'not_found',
    `Cannot find "${request.path}": everything is below "${settings.routePrefix}/"`,
  );
}

async function answerTo(
  { deps, settings, access, routes }: Serving,
  request: ServerRequest,
): Promise<ServerResponse> {
  const probed = probe(deps, request.path);
  if (probed !== undefined) return probed;
  if (request.method === 'OPTIONS' && request.path.startsWith('/api/')) return preflight();
  const principal = await access(request);
  if (!principal.ok) return refused(principal.error);
  const found = findRoute(routes, request);
  if (found.kind === 'none') return asset(deps, request);
  if (found.kind === 'method') return notAllowed(request, found.allowed);
  if (!mayAct(principal.value, found.route.role)) {
    return failure(
      'forbidden',
      `Cannot ${request.method} ${request.path}: the role "${found.route.role}" is needed`,
    );
  }
  // Whoever shares what is read has not said that other pages may act with the rights of whoever looks at them.
  const acts = found.route.role !== 'viewer';
  const isProved = principal.value.kind === 'user' && bringsToken(request);
  if (acts && isFromElsewhere(request, settings) && !isProved)
    return failure('forbidden', `Cannot ${request.method} ${request.path} from a page of another origin`);
  const params = await readParams(request);
  if (!params.ok) return failure('bad_data', params.error);
  const asked: Asked = {
    params: params.value,
    principal: principal.value,
    signal: request.signal,
    request,
  };
  return found.route.answer(deps, asked, found.captured);
}

function refused({ status, message }: Refusal): ServerResponse {
  if (status === 403) return failure('forbidden', message);
  const challenge = { 'www-authenticate': 'Basic realm="Watchkeeper", charset="UTF-8"' };
  return failure('unauthorized', message, challenge);
}

function notAllowed({ method, path }: ServerRequest, allowed: readonly string[]): ServerResponse {
  const response = plain(405, `Cannot ${method} ${path}: ${allowed.join(' or ')} expected\n`);
  return { ...response, headers: { ...response.headers, allow: allowed.join(', ') } };
}

type Found =
  | { readonly kind: 'route'; readonly route: Route; readonly captured: string }
  | { readonly kind: 'method'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

function findRoute(routes: readonly Route[], request: ServerRequest): Found {
  const allowed: string[] = [];
  for (const candidate of routes) {
    const match = candidate.path.exec(request.path);
    if (match === null) continue;
    if (candidate.methods.includes(request.method))
      return { kind: 'route', route: candidate, captured: match[1] ?? '' };
    allowed.push(...candidate.methods);
  }
  return allowed.length === 0 ? { kind: 'none' } : { kind: 'method', allowed };
}

/** Prometheus's remote write, 1.0 and 2.0. */
async function remoteWrite(deps: ApiDeps, { request }: Asked): Promise<ServerResponse> {
  const answered = await deps.push({
    headers: request.headers,
    body: bytesMax => request.rawBody(bytesMax),
  });
  const text = answered.text === '' ? '' : `${answered.text}\n`;
  const response = plain(answered.status, text);
  return { ...response, headers: { ...response.headers, ...answered.headers } };
}

async function reload(deps: ApiDeps): Promise<ServerResponse> {
  const outcome = await deps.reload();
  if (outcome.ok) return plain(200, outcome.problems.map(problem => `${problem}\n`).join(''));
  return plain(
    500,
    `Cannot reload: the configuration in force stays as it was\n${outcome.problems.join('\n')}\n`,
  );
}

async function asset(deps: ApiDeps, request: ServerRequest): Promise<ServerResponse> {
  if (!GET.includes(request.method)) return failure('not_found', `Cannot find ${request.path}`);
  const isPage = !/\.\w+$/.test(request.path) && !request.path.startsWith('/api/');
  const found = await deps.asset(isPage ? '/index.html' : request.path);
  if (found === undefined) return failure('not_found', `Cannot find "${request.path}": no such route`);
  // Built files carry a hash of their content in the name, the page itself does not.
  const caching = request.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  return bytes(found.type, isPage ? basedPage(found.bytes, request.path) : found.bytes, {
    'cache-control': caching,
    'content-security-policy': CONTENT_POLICY,
  });
}

/** The page names its files as beside it; asked for as one below, it says where they are. */
function basedPage(page: Uint8Array, path: string): Uint8Array {
  const base = baseHref(path);
  if (base === './') return page;
  const text = new TextDecoder().decode(page).replace('<head>', `<head><base href="${base}" />`);
  return new TextEncoder().encode(text);
}

const CONTENT_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'";
