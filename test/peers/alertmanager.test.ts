// Debian's Alertmanager and the real program get the same configuration, alerts and silences by seeded scripts: they must tell
// the same, group by group in the same order, and say the same of every alert.
//
// Everything is driven through API v2 of both. The scripts go in step, one change a script and step, and a step ends when
// a canary that was posted after the changes has come through each of them twice: by then every group has been flushed.

import { afterEach, describe, expect, it } from 'vitest';
import { openHttp, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import {
  type Act,
  alertmanagerConfig,
  KINDS,
  makeScript,
  type Script,
  type ScriptAlert,
  type SilenceBy,
  STEPS,
} from './alert-scripts.ts';
import { ALERTMANAGER_NAME, isAlertmanagerMissing, startAlertmanager } from './alertmanager.ts';

const SCRIPTS = 240;
const TEST_MS_MAX = 600_000;
/**
 * A script on which they differ is played anew: a change may fall between two parts of Alertmanager that learn of it one
 * after the other, just when the group is flushed. A difference of meaning is there each time.
 */
const ROUNDS_MAX = 3;
const HOUR_MS = 3_600_000;
const POSTED_AT_ONCE = 64;
/** A canary comes within two seconds on an idle machine. */
const CANARY_MS_MAX = 60_000;

const SIDES = ['alertmanager', 'watchkeeper'] as const;
type Side = (typeof SIDES)[number];

type LabelSet = Readonly<Record<string, string>>;

interface HookBody {
  readonly receiver: string;
  readonly status: string;
  readonly groupKey: string;
  readonly groupLabels: LabelSet;
  readonly commonLabels: LabelSet;
  readonly commonAnnotations: LabelSet;
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: LabelSet;
    readonly annotations: LabelSet;
    readonly startsAt: string;
    readonly endsAt: string;
    readonly fingerprint: string;
  }[];
}

interface AlertJson {
  readonly labels: LabelSet;
  readonly receivers: readonly { readonly name: string }[];
  readonly status: {
    readonly state: string;
    readonly silencedBy: readonly string[];
    readonly inhibitedBy: readonly string[];
  };
}

interface SilenceJson {
  readonly id: string;
  readonly matchers: readonly unknown[];
  readonly startsAt: string;
  readonly status: { readonly state: string };
}

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** What one side was told, by receiver and group, and the canaries that came through. */
class Told {
  readonly groups = new Map<string, string[]>();
  readonly canaries = new Set<string>();

  take(body: HookBody): void {
    const script = body.alerts[0]?.labels['script'] ?? '';
    if (body.receiver === 'canary') {
      for (const alert of body.alerts) this.canaries.add(alert.labels['n'] ?? '');
      return;
    }
    const key = `${script} ${body.receiver} ${body.groupKey}`;
    const messages = this.groups.get(key) ?? [];
    this.groups.set(key, messages);
    const message = canonical(body);
    // Repeats come by the clock of each.
    if (body.receiver === 'repeating' && messages.at(-1) === message) return;
    messages.push(message);
  }

  of(script: string): readonly string[] {
    return [...this.groups]
      .filter(([key]) => key.startsWith(`${script} `))
      .map(([key, messages]) => `${key}\n    ${messages.join('\n    ')}`)
      .sort();
  }
}

function canonical(body: HookBody): string {
  const { status, groupLabels, commonLabels, commonAnnotations } = body;
  const alerts = body.alerts
    .map(alert => {
      const isOver = alert.status === 'resolved';
      const times = [Date.parse(alert.startsAt), isOver ? Date.parse(alert.endsAt) : 0];
      return [alert.fingerprint, alert.status, sorted(alert.labels), sorted(alert.annotations), ...times];
    })
    .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  const common = [sorted(groupLabels), sorted(commonLabels), sorted(commonAnnotations)];
  return JSON.stringify([status, ...common, alerts]);
}

function sorted(labels: LabelSet): string {
  return Object.entries(labels)
    .map(pair => pair.join('='))
    .sort()
    .join(' ');
}

/** A script as it is played: its own labels, so that it can be played again. */
interface Play {
  readonly seed: number;
  readonly id: string;
  readonly script: Script;
  /** When each alert began, as it was posted. */
  readonly startsAt: Map<string, number>;
  /** Of each side: the id of each silence. */
  readonly silences: Readonly<Record<Side, Map<number, string>>>;
  readonly differences: string[];
}

function playOf(seed: number, round: number): Play {
  return {
    seed,
    id: `s${seed}r${round}`,
    script: makeScript(seed),
    startsAt: new Map(),
    silences: { alertmanager: new Map(), watchkeeper: new Map() },
    differences: [],
  };
}

interface Posted {
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  readonly startsAt: string;
  readonly endsAt: string;
}

class Stage {
  readonly #urls: Readonly<Record<Side, string>>;
  readonly told: Readonly<Record<Side, Told>>;
  #canaries = 0;
  /** How often what happened, so that a script that exercises nothing is noticed. */
  readonly seen = { inhibited: 0, silenced: 0, kept: 0, replaced: 0, alerts: 0 };

  constructor(urls: Readonly<Record<Side, string>>, told: Readonly<Record<Side, Told>>) {
    this.#urls = urls;
    this.told = told;
  }

  async play(plays: readonly Play[]): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      const acts = plays.map(play => ({
        play,
        act: play.script.steps[step] ?? { kind: 'nothing' as const },
      }));
      await this.#post(acts);
      await Promise.all(acts.map(({ play, act }) => this.#silence(play, act)));
      await this.#canary();
      await this.#canary();
      await this.#compareAlerts(plays, step);
    }
    for (const play of plays) {
      const [theirs = [], ours = []] = SIDES.map(side => this.told[side].of(play.id));
      if (theirs.join('\n') === ours.join('\n')) continue;
      play.differences.push(`Alertmanager told:\n  ${theirs.join('\n  ')}\nwe told:\n  ${ours.join('\n  ')}`);
    }
  }

  // --- alerts ---------------------------------------------------------------------------------------

  async #post(acts: readonly { readonly play: Play; readonly act: Act }[]): Promise<void> {
    const first = acts.flatMap(({ play, act }) => postsOf(play, act, 400));
    // The other replica: the same alerts, begun a moment later by its own clock.
    const second = acts.flatMap(({ play, act }) => (act.kind === 'fire' ? postsOf(play, act, 100) : []));
    for (const posts of [first, second]) {
      for (let from = 0; from < posts.length; from += POSTED_AT_ONCE) {
        const some = posts.slice(from, from + POSTED_AT_ONCE);
        const answers = await Promise.all(SIDES.map(side => this.#send(side, '/alerts', some)));
        for (const answer of answers) expect(answer.status).toBe(200);
      }
    }
  }

  async #compareAlerts(plays: readonly Play[], step: number): Promise<void> {
    const [theirs, ours] = await Promise.all(
      SIDES.map(async side => {
        const response = await fetch(`${this.#urls[side]}/api/v2/alerts`);
        const alerts = (await response.json()) as readonly AlertJson[];
        const byScript = new Map<string, string[]>();
        for (const alert of alerts) {
          const script = alert.labels['script'] ?? '';
          const { state, silencedBy, inhibitedBy } = alert.status;
          if (side === 'watchkeeper') {
            this.seen.alerts += 1;
            if (inhibitedBy.length > 0) this.seen.inhibited += 1;
            if (silencedBy.length > 0) this.seen.silenced += 1;
          }
          const receivers = alert.receivers.map(one => one.name).join();
          const line = `${sorted(alert.labels)} → ${receivers}: ${state}, silenced by ${silencedBy.length}, inhibited: ${inhibitedBy.length > 0}`;
          byScript.set(script, [...(byScript.get(script) ?? []), line]);
        }
        return byScript;
      }),
    );
    for (const play of plays) {
      const [a = [], b = []] = [theirs?.get(play.id), ours?.get(play.id)];
      if (a.sort().join('\n') === b.sort().join('\n')) continue;
      play.differences.push(
        `after step ${step} Alertmanager says:\n  ${a.join('\n  ')}\nwe say:\n  ${b.join('\n  ')}`,
      );
    }
  }

  // --- silences -------------------------------------------------------------------------------------

  async #silence(play: Play, act: Act): Promise<void> {
    if (act.kind === 'expire') {
      const answers = await Promise.all(
        SIDES.map(side =>
          this.#send(side, `/silence/${play.silences[side].get(act.id)}`, undefined, 'DELETE'),
        ),
      );
      for (const answer of answers) expect(answer.status).toBe(200);
    }
    if (act.kind === 'silence' || act.kind === 'prolong' || act.kind === 'rewrite') {
      const nowMs = Date.now();
      const kept = await Promise.all(SIDES.map(side => this.#setSilence({ play, act, side, nowMs })));
      if (kept[0] !== kept[1]) {
        play.differences.push(`${act.kind}: Alertmanager keeps the id: ${kept[0]}, we: ${kept[1]}`);
      }
      if (act.kind !== 'silence') this.seen[kept[1] === true ? 'kept' : 'replaced'] += 1;
    }
  }

  /** Whether the silence has the id that it had. */
  async #setSilence(wish: {
    readonly play: Play;
    readonly act: Act & { readonly kind: 'silence' | 'prolong' | 'rewrite' };
    readonly side: Side;
    readonly nowMs: number;
  }): Promise<boolean> {
    const { play, act, side, nowMs } = wish;
    const ids = play.silences[side];
    const id = ids.get(act.id);
    const known = id === undefined ? undefined : await this.#silenceOf(side, id);
    const startsAt = act.kind === 'silence' ? new Date(nowMs + act.inMs).toISOString() : known?.startsAt;
    const matchers = act.kind === 'prolong' ? known?.matchers : matchersOf(play.id, act.by);
    const answer = await this.#send(side, '/silences', {
      ...(id === undefined ? {} : { id }),
      matchers,
      startsAt,
      endsAt: new Date(nowMs + HOUR_MS + (act.kind === 'prolong' ? HOUR_MS : 0)).toISOString(),
      createdBy: 'script',
      comment: play.id,
    });
    expect(answer.status, await answer.clone().text()).toBe(200);
    const { silenceID } = (await answer.json()) as { readonly silenceID: string };
    ids.set(act.id, silenceID);
    return silenceID === id;
  }

  async #silenceOf(side: Side, id: string): Promise<SilenceJson> {
    const response = await fetch(`${this.#urls[side]}/api/v2/silence/${id}`);
    return (await response.json()) as SilenceJson;
  }

  // --- both -----------------------------------------------------------------------------------------

  /** Ends when an alert that is posted now has come through both. */
  async #canary(): Promise<void> {
    const n = String(this.#canaries++);
    const nowMs = Date.now();
    const labels = { alertname: 'Canary', canary: '1', n };
    const [startsAt, endsAt] = [nowMs, nowMs + HOUR_MS].map(ms => new Date(ms).toISOString());
    await Promise.all(
      SIDES.map(side => this.#send(side, '/alerts', [{ labels, annotations: {}, startsAt, endsAt }])),
    );
    await until(`canary ${n} on both sides`, () => SIDES.every(side => this.told[side].canaries.has(n)), {
      withinMs: CANARY_MS_MAX,
    });
  }

  #send(side: Side, path: string, body: unknown, method = 'POST'): Promise<Response> {
    return fetch(`${this.#urls[side]}/api/v2${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

function postsOf(play: Play, act: Act, agoMs: number): readonly Posted[] {
  const nowMs = Date.now();
  switch (act.kind) {
    case 'fire':
      return act.alerts.map(alert => {
        const startsAtMs = nowMs - agoMs;
        if (!play.startsAt.has(alert.name)) play.startsAt.set(alert.name, startsAtMs);
        return posted(play, alert, { startsAtMs, endsAtMs: nowMs + HOUR_MS });
      });
    case 'end':
    case 'run-out': {
      const startsAtMs = play.startsAt.get(act.alert.name) ?? nowMs;
      play.startsAt.delete(act.alert.name);
      return [posted(play, act.alert, { startsAtMs, endsAtMs: act.kind === 'end' ? nowMs : nowMs + 1000 })];
    }
    default:
      return [];
  }
}

function posted(
  play: Play,
  alert: ScriptAlert,
  at: { readonly startsAtMs: number; readonly endsAtMs: number },
): Posted {
  const { name, zone, severity } = alert;
  return {
    labels: { alertname: name, zone, severity, script: play.id, kind: play.script.kind },
    annotations: { summary: `${name} in ${zone}` },
    startsAt: new Date(at.startsAtMs).toISOString(),
    endsAt: new Date(at.endsAtMs).toISOString(),
  };
}

function matchersOf(script: string, by: SilenceBy): readonly unknown[] {
  const { label, op, value } = by;
  return [
    { name: 'script', value: script, isRegex: false, isEqual: true },
    { name: label, value, isRegex: op.endsWith('~'), isEqual: !op.startsWith('!') },
  ];
}

describe.skipIf(isAlertmanagerMissing)(ALERTMANAGER_NAME, () => {
  it(`${SCRIPTS} scripts are told alike, group by group`, { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const told = { alertmanager: new Told(), watchkeeper: new Told() };
    const hook = await openHttp(({ path, body }) => {
      const side = SIDES.find(one => path === `/${one}`);
      if (side !== undefined) told[side].take(JSON.parse(body) as HookBody);
      return { body: 'ok' };
    });
    opened.push(hook.close);
    const configOf = (side: Side): string => alertmanagerConfig(() => `${hook.url}/${side}`);
    const peer = await startAlertmanager(folder, configOf('alertmanager'));
    opened.push(peer.stop);
    const own = `${configOf('watchkeeper')}host: { enabled: false }\nrule_files: []\n`;
    const program = await startProgram({
      folder,
      args: ['--config', folder.write('watchkeeper.yml', own)],
    });
    opened.push(program.kill);

    const stage = new Stage({ alertmanager: peer.url, watchkeeper: program.url }, told);
    let plays = Array.from({ length: SCRIPTS }, (_, seed) => playOf(seed, 0));
    await stage.play(plays);
    const replayed: number[] = [];
    for (let round = 1; round < ROUNDS_MAX; round++) {
      const differing = plays.filter(play => play.differences.length > 0);
      if (differing.length === 0) break;
      replayed.push(...differing.map(play => play.seed));
      plays = differing.map(play => playOf(play.seed, round));
      await stage.play(plays);
    }
    const failed = plays.filter(play => play.differences.length > 0);
    const texts = failed.map(
      play => `script ${play.seed}: ${JSON.stringify(play.script)}\n${play.differences.join('\n')}`,
    );
    const messages = [...told.alertmanager.groups.values()].reduce((sum, list) => sum + list.length, 0);
    process.stdout.write(
      `${SCRIPTS} scripts, ${told.alertmanager.groups.size} groups, ${messages} messages alike, played anew: [${replayed.join()}]; ${JSON.stringify(stage.seen)}\n`,
    );
    expect(texts.slice(0, 5).join('\n\n'), `${failed.length} scripts differ`).toBe('');
    // The scripts do reach what they are about.
    expect(messages).toBeGreaterThan(2 * SCRIPTS);
    for (const [what, count] of Object.entries(stage.seen)) expect(count, what).toBeGreaterThan(20);
    for (const kind of KINDS.filter(one => one !== 'muted' && one !== 'inactive')) {
      const isTold = [...told.watchkeeper.groups.values()].some(list =>
        list.some(one => one.includes(`kind=${kind}`)),
      );
      expect(isTold, `messages of ${kind}`).toBe(true);
    }
    const keys = [...told.watchkeeper.groups.keys()];
    expect(keys.filter(key => / (muted|inactive) /.test(key))).toEqual([]);
    expect(keys.some(key => key.includes(' active '))).toBe(true);
    expect(keys.some(key => key.includes(' unmuted '))).toBe(true);
  });
});
