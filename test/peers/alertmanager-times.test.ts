// Time intervals beside Debian's Alertmanager: a few hundred of them around the present, each over a route of its own. Whom both
// programs tell shows whether they take the present to be inside.

import { afterEach, describe, expect, it } from 'vitest';
import { openHttp, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { ALERTMANAGER_NAME, isAlertmanagerMissing, startAlertmanager } from './alertmanager.ts';
import { IntervalDrawing, specsOf, steadyVerdict, type WrittenInterval } from './interval-scripts.ts';

const ROUTES = 240;
const TEST_MS_MAX = 300_000;
/** A canary comes within two seconds on an idle machine. */
const CANARY_MS_MAX = 60_000;
const HOUR_MS = 3_600_000;
const POSTED_AT_ONCE = 64;

const SIDES = ['alertmanager', 'watchkeeper'] as const;
type Side = (typeof SIDES)[number];

interface TimedRoute {
  readonly n: string;
  readonly intervals: readonly WrittenInterval[];
  /** Ours. */
  readonly isInside: boolean;
  readonly isMute: boolean;
}

interface HookBody {
  readonly alerts: readonly { readonly labels: Readonly<Record<string, string>> }[];
}

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Some seeds give what would change during the run: the next ones take their place. */
function drawRoutes(nowMs: number): readonly TimedRoute[] {
  const routes: TimedRoute[] = [];
  for (let seed = 0; routes.length < ROUTES; seed++) {
    const drawing = new IntervalDrawing(seed, nowMs);
    const intervals = seed % 4 === 0 ? [drawing.draw(), drawing.draw()] : [drawing.draw()];
    const specs = specsOf(intervals);
    const isInside = specs === undefined ? undefined : steadyVerdict(specs, nowMs);
    if (isInside === undefined) continue;
    routes.push({ n: String(seed), intervals, isInside, isMute: seed % 2 === 0 });
  }
  return routes;
}

/** JSON is YAML. */
function configOf(routes: readonly TimedRoute[], url: string): string {
  return JSON.stringify({
    global: { resolve_timeout: '1h' },
    route: {
      receiver: 'all',
      group_by: ['n'],
      group_wait: '1s',
      group_interval: '1s',
      repeat_interval: '1h',
      routes: routes.map(({ n, isMute }) => ({
        matchers: [`n="${n}"`],
        [isMute ? 'mute_time_intervals' : 'active_time_intervals']: [`t${n}`],
      })),
    },
    time_intervals: routes.map(({ n, intervals }) => ({ name: `t${n}`, time_intervals: intervals })),
    receivers: [{ name: 'all', webhook_configs: [{ url }] }],
  });
}

async function post(url: string, numbers: readonly string[]): Promise<void> {
  const [startsAt, endsAt] = [0, HOUR_MS].map(ms => new Date(Date.now() + ms).toISOString());
  for (let from = 0; from < numbers.length; from += POSTED_AT_ONCE) {
    const alerts = numbers
      .slice(from, from + POSTED_AT_ONCE)
      .map(n => ({ labels: { alertname: 'Timed', n }, annotations: {}, startsAt, endsAt }));
    const answer = await fetch(`${url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alerts),
    });
    expect(answer.status).toBe(200);
  }
}

describe.skipIf(isAlertmanagerMissing)(ALERTMANAGER_NAME, () => {
  it(`${ROUTES} routes with time intervals tell, or keep quiet, alike`, {
    timeout: TEST_MS_MAX,
  }, async () => {
    const routes = drawRoutes(Date.now());
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const told: Readonly<Record<Side, Set<string>>> = { alertmanager: new Set(), watchkeeper: new Set() };
    const hook = await openHttp(({ path, body }) => {
      const side = SIDES.find(one => path === `/${one}`);
      const { alerts } = JSON.parse(body) as HookBody;
      for (const { labels } of alerts) if (side !== undefined) told[side].add(labels['n'] ?? '');
      return { body: 'ok' };
    });
    opened.push(hook.close);
    const peer = await startAlertmanager(folder, configOf(routes, `${hook.url}/alertmanager`));
    opened.push(peer.stop);
    const own = {
      ...JSON.parse(configOf(routes, `${hook.url}/watchkeeper`)),
      host: { enabled: false },
      rule_files: [],
    };
    const program = await startProgram({
      folder,
      args: ['--config', folder.write('watchkeeper.yml', JSON.stringify(own))],
    });
    opened.push(program.kill);

    const urls = [peer.url, program.url];
    await Promise.all(
      urls.map(url =>
        post(
          url,
          routes.map(({ n }) => n),
        ),
      ),
    );
    // What was posted after the others comes after them: by then each of their groups has been flushed.
    for (const canary of ['canary 1', 'canary 2']) {
      await Promise.all(urls.map(url => post(url, [canary])));
      await until(`${canary} on both sides`, () => SIDES.every(side => told[side].has(canary)), {
        withinMs: CANARY_MS_MAX,
      });
    }
    // Messages of a slow machine may still be on their way.
    const due = routes.filter(one => one.isInside !== one.isMute);
    await until('what is due', () => SIDES.every(side => due.every(({ n }) => told[side].has(n))), {
      withinMs: CANARY_MS_MAX,
    }).catch(() => undefined);
    const differing = routes.filter(({ n }) => told.alertmanager.has(n) !== told.watchkeeper.has(n));
    const says = differing.map(
      ({ n, intervals, isMute }) =>
        `${isMute ? 'muted' : 'active'} in ${JSON.stringify(intervals)}: Alertmanager ${told.alertmanager.has(n) ? 'tells' : 'keeps quiet'}`,
    );
    const inside = routes.filter(one => one.isInside).length;
    process.stdout.write(
      `${ROUTES} routes, inside ${inside}, told ${told.alertmanager.size - 2} by Alertmanager and ${told.watchkeeper.size - 2} by us\n`,
    );
    expect(says.slice(0, 5).join('\n'), `${says.length} differ`).toBe('');
    // Whom we told is what the interval says, and both verdicts come often enough to mean something.
    for (const { n, isInside, isMute } of routes)
      expect(told.watchkeeper.has(n), n).toBe(isInside !== isMute);
    expect(Math.min(inside, ROUTES - inside)).toBeGreaterThan(ROUTES / 12);
  });
});
