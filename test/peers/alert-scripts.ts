// Scripts for two Alertmanagers: what is posted, silenced and ended, one change a step, drawn from a seed.

import { seededRandom } from '../support/random.ts';

/** Each is a route of its own, see `ROUTES`. */
export const KINDS = [
  'plain',
  'zone',
  'all',
  'unresolved',
  'twice',
  'repeating',
  'muted',
  'inactive',
] as const;
export type Kind = (typeof KINDS)[number];

export interface ScriptAlert {
  readonly name: string;
  readonly zone: string;
  readonly severity: string;
}

export type Act =
  /** Posted with an end far ahead; twice by two replicas, whose clocks differ. */
  | { readonly kind: 'fire'; readonly alerts: readonly ScriptAlert[] }
  | { readonly kind: 'end'; readonly alert: ScriptAlert }
  /** Posted with an end in a second: it ends by itself. */
  | { readonly kind: 'run-out'; readonly alert: ScriptAlert }
  | { readonly kind: 'silence'; readonly id: number; readonly by: SilenceBy; readonly inMs: number }
  /** The same matchers, another end. */
  | { readonly kind: 'prolong'; readonly id: number }
  /** Other matchers under the old id: a new one in its place. */
  | { readonly kind: 'rewrite'; readonly id: number; readonly by: SilenceBy }
  | { readonly kind: 'expire'; readonly id: number }
  | { readonly kind: 'nothing' };

export interface SilenceBy {
  readonly label: 'alertname' | 'zone' | 'severity';
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface Script {
  readonly kind: Kind;
  readonly steps: readonly Act[];
}

/** Steps of each script; the first brings the group into being. */
export const STEPS = 9;
const ZONES = ['z1', 'z2'];
const SEVERITIES = ['critical', 'warning', 'info'];

/** Who keeps whom quiet within a script: `equal: [script, zone]`, critical over warning, warning over info. */
const BELOW: Readonly<Record<string, string>> = { critical: 'warning', warning: 'info' };

class Drawing {
  readonly #random: ReturnType<typeof seededRandom>;
  readonly kind: Kind;
  readonly #alerts: readonly ScriptAlert[];
  readonly #firing = new Set<ScriptAlert>();
  /** Ended while something kept it back, or where no end is told: not fired again, see `canFire`. */
  readonly #spent = new Set<ScriptAlert>();
  readonly #silences = new Map<number, SilenceBy>();
  #ids = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.kind = KINDS[seed % KINDS.length] ?? 'plain';
    const names = ['A', 'B', 'C', 'D'].slice(0, 2 + (this.#random.uint32() % 3));
    this.#alerts = names.map(name => ({ name, zone: this.#pick(ZONES), severity: this.#pick(SEVERITIES) }));
  }

  steps(): readonly Act[] {
    const first = this.#alerts.filter(() => this.#random.float() < 0.6);
    const alerts = first.length > 0 ? first : this.#alerts.slice(0, 1);
    for (const one of alerts) this.#firing.add(one);
    const steps: Act[] = [{ kind: 'fire', alerts }];
    while (steps.length < STEPS) steps.push(this.#next());
    return steps;
  }

  #next(): Act {
    const quiet = this.#alerts.filter(one => !this.#firing.has(one) && this.#canFire(one));
    const firing = [...this.#firing];
    const ids = [...this.#silences.keys()];
    const choices: (() => Act)[] = [];
    const add = (weight: number, make: () => Act): void => {
      for (let i = 0; i < weight; i++) choices.push(make);
    };
    if (quiet.length > 0) add(6, () => this.#fire(this.#pick(quiet)));
    if (firing.length > 0) add(4, () => this.#end(this.#pick(firing)));
    if (ids.length < 2) add(2, () => this.#silence());
    if (ids.length > 0) {
      add(2, () => this.#expire(this.#pick(ids)));
      add(1, () => ({ kind: 'prolong', id: this.#pick(ids) }));
      add(1, () => this.#rewrite(this.#pick(ids)));
    }
    add(1, () => ({ kind: 'nothing' }));
    return this.#pick(choices)();
  }

  /**
   * What is different on purpose is not drawn. Whoever ended while it was kept back, and whoever ended where no end is told,
   * is news to us when it fires again, while Alertmanager takes it for told until `repeat_interval` is over.
   */
  #canFire(alert: ScriptAlert): boolean {
    return !this.#spent.has(alert);
  }

  #fire(alert: ScriptAlert): Act {
    this.#firing.add(alert);
    return { kind: 'fire', alerts: [alert] };
  }

  #end(alert: ScriptAlert): Act {
    if (this.kind === 'unresolved' || this.#isKeptBack(alert)) this.#spent.add(alert);
    this.#firing.delete(alert);
    return { kind: this.#random.float() < 0.3 ? 'run-out' : 'end', alert };
  }

  #isKeptBack(alert: ScriptAlert): boolean {
    const isInhibited = [...this.#firing].some(
      other =>
        other.zone === alert.zone &&
        (BELOW[other.severity] === alert.severity ||
          (this.kind === 'plain' && other.name === 'A' && other.severity === alert.severity)),
    );
    return isInhibited || [...this.#silences.values()].some(by => silences(by, alert));
  }

  #silence(): Act {
    const id = this.#ids++;
    const by = this.#by();
    this.#silences.set(id, by);
    return { kind: 'silence', id, by, inMs: this.#random.float() < 0.3 ? 800 : 0 };
  }

  #rewrite(id: number): Act {
    const by = this.#by();
    this.#silences.set(id, by);
    return { kind: 'rewrite', id, by };
  }

  #expire(id: number): Act {
    this.#silences.delete(id);
    return { kind: 'expire', id };
  }

  #by(): SilenceBy {
    const alert = this.#pick(this.#alerts);
    const label = this.#pick(['alertname', 'zone', 'severity'] as const);
    const value = label === 'alertname' ? alert.name : label === 'zone' ? alert.zone : alert.severity;
    const op = this.#pick(['=', '=', '=~', '!=', '!~'] as const);
    return { label, op, value: op.endsWith('~') ? `${value}|other` : value };
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.uint32() % list.length] as T;
  }
}

function silences(by: SilenceBy, alert: ScriptAlert): boolean {
  const value = { alertname: alert.name, zone: alert.zone, severity: alert.severity }[by.label];
  const fits = by.op.endsWith('~') ? by.value.split('|').includes(value) : by.value === value;
  return by.op.startsWith('!') ? !fits : fits;
}

export function makeScript(seed: number): Script {
  const drawing = new Drawing(seed);
  return { kind: drawing.kind, steps: drawing.steps() };
}

/** The configuration of both; `hook` is where a receiver's messages go. */
export function alertmanagerConfig(hook: (receiver: string) => string): string {
  const receiver = (name: string, extra = ''): string =>
    `- name: ${name}\n  webhook_configs:\n  - url: '${hook(name)}'${extra}\n`;
  const every = "time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]";
  return `
global: { resolve_timeout: 1h }
route:
  receiver: plain
  group_by: [script]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - matchers: [canary="1"]
    receiver: canary
    group_by: ['...']
  - matchers: [kind="zone"]
    receiver: zone
    group_by: [script, zone]
  - matchers: [kind="all"]
    receiver: all
    group_by: ['...']
  - matchers: [kind="unresolved"]
    receiver: unresolved
  - matchers: [kind="twice"]
    receiver: first
    continue: true
  - matchers: [kind="twice", severity!="info"]
    receiver: second
    group_by: [script, severity]
  - matchers: [kind="repeating"]
    receiver: repeating
    repeat_interval: 2s
  - matchers: [kind="muted"]
    mute_time_intervals: [always]
    receiver: muted
    continue: true
  - matchers: [kind="muted", severity="critical"]
    mute_time_intervals: [never]
    receiver: unmuted
  - matchers: [kind="inactive"]
    active_time_intervals: [never]
    receiver: inactive
    continue: true
  - matchers: [kind="inactive"]
    active_time_intervals: [never, always]
    receiver: active
inhibit_rules:
- source_matchers: [severity="critical"]
  target_matchers: [severity="warning"]
  equal: [script, zone]
- source_match: { severity: warning }
  target_match_re: { severity: info|none }
  equal: [script, zone]
- source_matchers: [alertname="A", kind="plain"]
  target_matchers: [alertname=~"A|B"]
  equal: [script, zone, severity]
time_intervals:
- name: always
  ${every}
- name: never
  time_intervals: [{years: ['1990']}]
receivers:
${receiver('plain')}${receiver('zone')}${receiver('all')}${receiver('unresolved', '\n    send_resolved: false')}${receiver('first')}${receiver('second')}${receiver('repeating')}${receiver('muted')}${receiver('unmuted')}${receiver('inactive')}${receiver('active')}${receiver('canary', '\n    send_resolved: false')}`;
}
