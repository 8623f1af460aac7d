// The data that Alertmanager gives to notification templates: Go types with their methods.

import { err, ok } from '../base/index.ts';
import { type Labels, labelPairs, NO_LABELS } from '../model/index.ts';
import { goTimeFromMs } from './time.ts';
import {
  type FunctionTable,
  isList,
  type TemplateFunction,
  type Value,
  type ValueObject,
  withTraits,
} from './values.ts';

export interface NotificationAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Labels;
  /** Undefined prints as Go's nil map: null in JSON. */
  readonly annotations?: Labels;
  readonly startsAtMs: number;
  /** Undefined: Go's zero time. */
  readonly endsAtMs?: number;
  readonly generatorUrl: string;
  readonly fingerprint: string;
}

export interface NotificationData {
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly NotificationAlert[];
  readonly groupLabels: Labels;
  readonly commonLabels: Labels;
  readonly commonAnnotations: Labels;
  readonly externalUrl: string;
  /** Further fields of ours, by their Go name. */
  readonly extra?: ValueObject;
}

/** The dot of a notification template. */
export function notificationData(data: NotificationData): ValueObject {
  return goStruct('template.Data', {
    Receiver: data.receiver,
    Status: data.status,
    Alerts: alertList(data.alerts.map(alertValue)),
    GroupLabels: kv(data.groupLabels),
    CommonLabels: kv(data.commonLabels),
    CommonAnnotations: kv(data.commonAnnotations),
    ExternalURL: data.externalUrl,
    ...data.extra,
  });
}

export function goStruct(type: string, fields: ValueObject, methods: FunctionTable = new Map()): ValueObject {
  return withTraits({ ...fields }, { type, struct: true, methods });
}

const ZERO_TIME_MS = -62_135_596_800_000;

function alertValue(alert: NotificationAlert): ValueObject {
  const fields = {
    Status: alert.status,
    Labels: kv(alert.labels),
    Annotations: kv(alert.annotations),
    StartsAt: goTimeFromMs(alert.startsAtMs),
    EndsAt: goTimeFromMs(alert.endsAtMs ?? ZERO_TIME_MS),
    GeneratorURL: alert.generatorUrl,
    Fingerprint: alert.fingerprint,
  };
  return withTraits(fields, {
    type: 'template.Alert',
    struct: true,
    methods: new Map(),
    json: () =>
      goStruct('template.Alert', {
        status: fields.Status,
        labels: fields.Labels,
        annotations: fields.Annotations,
        startsAt: fields.StartsAt,
        endsAt: fields.EndsAt,
        generatorURL: fields.GeneratorURL,
        fingerprint: fields.Fingerprint,
      }),
  });
}

function alertList(alerts: readonly ValueObject[]): Value {
  const only = (status: string): TemplateFunction => ({
    params: [],
    call: () => ok(alertList(alerts.filter(alert => alert['Status'] === status))),
  });
  return withTraits([...alerts], {
    type: 'template.Alerts',
    struct: false,
    methods: new Map([
      ['Firing', only('firing')],
      ['Resolved', only('resolved')],
    ]),
  });
}

/** Labels with SortedPairs, Remove, Names and Values. */
export function kv(labels: Labels | undefined): Value {
  const map = new Map(labelPairs(labels ?? NO_LABELS));
  const sorted = (): readonly (readonly [string, string])[] => {
    const pairs = [...map];
    // alertname stands first, as in Alertmanager's mails.
    return [
      ...pairs.filter(([name]) => name === 'alertname'),
      ...pairs.filter(([name]) => name !== 'alertname'),
    ];
  };
  const methods = new Map<string, TemplateFunction>([
    ['SortedPairs', { params: [], call: () => ok(pairList(sorted())) }],
    ['Names', { params: [], call: () => ok(sorted().map(([name]) => name)) }],
    ['Values', { params: [], call: () => ok(sorted().map(([, value]) => value)) }],
    ['Remove', { params: ['list'], call: ([names]) => remove(map, names) }],
    ['String', { params: [], call: () => ok(pairsText(sorted())) }],
  ]);
  return withTraits(map, {
    type: 'template.KV',
    struct: false,
    methods,
    text: () => pairsText(sorted()),
    ...(labels === undefined ? { json: () => null } : {}),
  });
}

function remove(map: ReadonlyMap<string, string>, names: Value): ReturnType<TemplateFunction['call']> {
  if (!isList(names)) return err('Remove wants a list of names');
  const gone = new Set(names);
  const flat = [...map].filter(([name]) => !gone.has(name)).flat();
  return ok(kv(flat as readonly string[] as Labels));
}

function pairList(pairs: readonly (readonly [string, string])[]): Value {
  const values = pairs.map(([Name, value]) => goStruct('template.Pair', { Name, Value: value }));
  return withTraits(values, {
    type: 'template.Pairs',
    struct: false,
    text: () => pairsText(pairs),
    methods: new Map<string, TemplateFunction>([
      ['Names', { params: [], call: () => ok(pairs.map(([name]) => name)) }],
      ['Values', { params: [], call: () => ok(pairs.map(([, value]) => value)) }],
    ]),
  });
}

function pairsText(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join(', ');
}
