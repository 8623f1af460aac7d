// Asks the shadow, the Prometheus and the Alertmanager beside it.

import type { GettableSilenceJson, GroupJson, QueryData, RulesData, StatusJson } from '../../api/index.ts';
import { err, ok, type Result } from '../../base/index.ts';
import { askAlertmanager, askServer } from '../client.ts';
import type { CommandContext, ParsedArgs } from '../command.ts';
import type { Span } from './past.ts';
import { PAST_QUERY } from './past.ts';
import { alertGroupsIn, matrixIn, ruleGroupsIn, silencesIn } from './shapes.ts';
import type { AmGroupJson, Side, Snapshot } from './sides.ts';

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

export interface Peers {
  readonly prometheus: string;
  readonly alertmanager: string | undefined;
}

export async function takeSnapshot(
  context: CommandContext,
  args: ParsedArgs,
  peers: Peers,
): Promise<Result<Snapshot, string>> {
  const [status, here, there] = await Promise.all([
    shadowStatus(context, args),
    ownSide(context, args, peers.alertmanager !== undefined),
    peerSide(context, peers),
  ]);
  if (!status.ok) return status;
  if (!here.ok) return here;
  if (!there.ok) return there;
  return ok({
    atMs: context.clock.nowMs(),
    shadowStartedAtMs: status.value.startedAtMs,
    here: here.value,
    there: there.value,
  });
}

export async function shadowStatus(
  context: CommandContext,
  args: ParsedArgs,
): Promise<Result<StatusJson, string>> {
  const answer = await askServer<StatusJson>(context, args, {
    path: '/api/watchkeeper/v1/status',
    params: {},
  });
  return answer.ok ? ok(answer.value.data) : answer;
}

/** The longest wait of the shadow's routes, as its groups say; without a group Alertmanager's default. */
export async function groupWaitMs(
  context: CommandContext,
  args: ParsedArgs,
): Promise<Result<number, string>> {
  const answer = await askServer<readonly GroupJson[]>(context, args, {
    path: '/api/watchkeeper/v1/groups',
    params: {},
  });
  if (!answer.ok) return answer;
  const waits = answer.value.data.map(group => group.groupWaitMs);
  return ok(waits.length === 0 ? GROUP_WAIT_MS_DEFAULT : Math.max(...waits));
}

const GROUP_WAIT_MS_DEFAULT = 30_000;

async function ownSide(
  context: CommandContext,
  args: ParsedArgs,
  withGroups: boolean,
): Promise<Result<Side, string>> {
  const rules = await askServer<RulesData>(context, args, { path: '/api/v1/rules', params: {} });
  if (!rules.ok) return rules;
  const ruleGroups = rules.value.data.groups;
  if (!withGroups) return ok({ ruleGroups, groups: undefined, silences: [] });
  const groups = await askAlertmanager<readonly AmGroupJson[]>(context, args, {
    path: '/api/v2/alerts/groups',
    params: {},
  });
  if (!groups.ok) return groups;
  const silences = await askAlertmanager<readonly GettableSilenceJson[]>(context, args, {
    path: '/api/v2/silences',
    params: {},
  });
  if (!silences.ok) return silences;
  return ok({ ruleGroups, groups: groups.value ?? [], silences: silences.value ?? [] });
}

async function peerSide(context: CommandContext, peers: Peers): Promise<Result<Side, string>> {
  const { prometheus, alertmanager } = peers;
  const rules = await askPeer(context, { base: prometheus, path: '/api/v1/rules', read: ruleGroupsIn });
  if (!rules.ok) return rules;
  const ruleGroups = rules.value;
  if (alertmanager === undefined) return ok({ ruleGroups, groups: undefined, silences: [] });
  const ask = { base: alertmanager };
  const groups = await askPeer(context, { ...ask, path: '/api/v2/alerts/groups', read: alertGroupsIn });
  if (!groups.ok) return groups;
  const silences = await askPeer(context, { ...ask, path: '/api/v2/silences', read: silencesIn });
  if (!silences.ok) return silences;
  return ok({ ruleGroups, groups: groups.value, silences: silences.value });
}

/** What fired on both sides over a span; ours first. */
export async function firedOver(
  context: CommandContext,
  args: ParsedArgs,
  asked: { readonly prometheus: string; readonly span: Span },
): Promise<Result<readonly [QueryData, QueryData], string>> {
  const { fromMs, toMs, stepMs } = asked.span;
  const params = {
    query: PAST_QUERY,
    start: String(fromMs / 1000),
    end: String(toMs / 1000),
    step: String(stepMs / 1000),
  };
  const here = await askServer<QueryData>(context, args, { path: '/api/v1/query_range', params });
  if (!here.ok) return here;
  const path = `/api/v1/query_range?${new URLSearchParams(params)}`;
  const there = await askPeer(context, { base: asked.prometheus, path, read: matrixIn });
  return there.ok ? ok([here.value.data, there.value]) : there;
}

interface PeerQuestion<T> {
  readonly base: string;
  readonly path: string;
  read(body: unknown): Result<T, string>;
}

/** The JSON of a 200. A name and password may stand in the address, as for Prometheus's own tools. */
async function askPeer<T>(
  context: CommandContext,
  { base, path, read }: PeerQuestion<T>,
): Promise<Result<T, string>> {
  if (!URL.canParse(base)) return err(`Cannot ask "${base}": it is no address (http://host:port expected)`);
  const url = new URL(base);
  const headers: Record<string, string> = {};
  if (url.username !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    url.username = '';
    url.password = '';
  }
  const shown = url.href.replace(/\/$/, '');
  const answer = await context.http.request({
    method: 'GET',
    url: `${shown}${path}`,
    headers,
    timeoutMs: TIMEOUT_MS,
    bodyBytesMax: ANSWER_BYTES_MAX,
  });
  if (!answer.ok) return err(`Cannot ask ${shown}: ${answer.error.code}: ${answer.error.message}`);
  const text = new TextDecoder().decode(answer.value.body);
  if (answer.value.status !== 200)
    return err(
      `Cannot ask ${shown}${path.split('?')[0]}: status ${answer.value.status}: ${text.slice(0, 200)}`,
    );
  const what = `${shown}${path.split('?')[0]}`;
  const body = jsonOf(text);
  if (body === undefined) return err(`Cannot understand the answer of ${what}: it is not JSON`);
  const found = read(body);
  return found.ok ? found : err(`Cannot understand the answer of ${what}: ${found.error}`);
}

function jsonOf(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text);
    return body;
  } catch {
    return undefined;
  }
}
