// Prometheus's functions for annotations, labels and console templates.

import { err, ok, parseDuration } from '../base/index.ts';
import { type Labels, labelPairs } from '../model/index.ts';
import { queryEscape } from './builtins.ts';
import { formatGPrecision } from './floats.ts';
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  secondsToNs,
  toFloat,
} from './humanize.ts';
import { matchFunction, reReplaceAllFunction, safeText, textFunction, titleCase } from './text.ts';
import { goDuration, goTime } from './time.ts';
import {
  entryOf,
  type FunctionTable,
  isList,
  isMap,
  isObject,
  type TemplateFunction,
  typeName,
  type Value,
  type ValueObject,
  withTraits,
} from './values.ts';

/** One series of an instant query. */
export interface TemplateSample {
  readonly labels: Labels;
  readonly value: number;
}

export interface PrometheusFunctionOptions {
  /** Where users reach us, without a slash at its end. */
  readonly externalUrl: string;
  /** Answers asked beforehand, by expression. A query that is not there is asked by `expandWithQueries`. */
  readonly answers?: ReadonlyMap<string, readonly TemplateSample[] | { readonly error: string }>;
}

export function prometheusFunctions(options: PrometheusFunctionOptions): FunctionTable {
  return new Map<string, TemplateFunction>([...numbers(), ...texts(options), ...queries(options)]);
}

function numberFunction(make: (value: number) => string): TemplateFunction {
  return {
    params: ['any'],
    call: ([value]) => {
      const number = toFloat(value);
      return number.ok ? ok(make(number.value)) : number;
    },
  };
}

function numbers(): readonly (readonly [string, TemplateFunction])[] {
  return [
    ['humanize', numberFunction(humanize)],
    ['humanize1024', numberFunction(humanize1024)],
    ['humanizeDuration', numberFunction(humanizeDuration)],
    ['humanizePercentage', numberFunction(humanizePercentage)],
    ['humanizeTimestamp', { params: ['any'], call: ([value]) => timestamp(value, true) }],
    ['toTime', { params: ['any'], call: ([value]) => timestamp(value, false) }],
    [
      'toDuration',
      {
        params: ['any'],
        call: ([value]) => {
          const seconds = toFloat(value);
          if (!seconds.ok) return seconds;
          if (!Number.isFinite(seconds.value)) return err(`cannot convert ${seconds.value} to a duration`);
          return ok(goDuration(BigInt(Math.trunc(seconds.value * 1e9))));
        },
      },
    ],
    ['now', { params: [], call: (_, context) => ok(context.nowMs / 1000) }],
    [
      'parseDuration',
      {
        params: ['string'],
        call: ([value]) => {
          const text = String(value);
          const parsed = parseDuration(text.replace(/^-/, ''));
          if (!parsed.ok) return parsed;
          return ok((text.startsWith('-') ? -parsed.value : parsed.value) / 1000);
        },
      },
    ],
  ];
}

function timestamp(value: Value, asText: boolean): ReturnType<TemplateFunction['call']> {
  const seconds = toFloat(value);
  if (!seconds.ok) return seconds;
  if (asText && !Number.isFinite(seconds.value)) return ok(formatGPrecision(seconds.value, 4));
  const nanos = secondsToNs(seconds.value);
  return nanos.ok ? ok(goTime(nanos.value)) : nanos;
}

function texts(options: PrometheusFunctionOptions): readonly (readonly [string, TemplateFunction])[] {
  const link = (tab: number): TemplateFunction =>
    textFunction(1, (expr = '') => `/graph?g0.expr=${queryEscape(expr)}&g0.tab=${tab}`);
  return [
    ['title', textFunction(1, (text = '') => titleCase(text))],
    ['toUpper', textFunction(1, (text = '') => text.toUpperCase())],
    ['toLower', textFunction(1, (text = '') => text.toLowerCase())],
    ['trimSpace', textFunction(1, (text = '') => text.trim())],
    ['match', matchFunction],
    ['reReplaceAll', reReplaceAllFunction],
    ['stripPort', textFunction(1, (text = '') => splitHostPort(text)?.host ?? text)],
    ['stripDomain', textFunction(1, (text = '') => stripDomain(text))],
    ['graphLink', link(0)],
    ['tableLink', link(1)],
    ['urlQueryEscape', textFunction(1, (text = '') => queryEscape(text))],
    ['externalURL', { params: [], call: () => ok(options.externalUrl) }],
    ['pathPrefix', { params: [], call: () => ok(pathOf(options.externalUrl)) }],
    ['safeHtml', textFunction(1, (text = '') => safeText(text, 'html'))],
    [
      'args',
      {
        params: [],
        rest: 'any',
        call: args => ok(Object.fromEntries(args.map((arg, i) => [`arg${i}`, arg]))),
      },
    ],
    [
      'tmpl',
      { params: ['string', 'any'], call: ([name, dot], context) => ok(context.expand(String(name), dot)) },
    ],
  ];
}

function pathOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] ?? url;
}

/** net.SplitHostPort: undefined where it would fail. */
function splitHostPort(text: string): { readonly host: string; readonly port: string } | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^[\]:]*)):([^[\]:]*)$/.exec(text);
  return match === null ? undefined : { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
}

function stripDomain(text: string): string {
  const split = splitHostPort(text);
  const host = split?.host ?? text;
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':')) return text;
  const short = host.split('.')[0] ?? '';
  return split === undefined ? short : `${short}:${split.port}`;
}

// --- answers of queries -----------------------------------------------------------------------------

/** What `query` gives for a series: `.Labels.x` and `.Value`. */
export function sampleValue(sample: TemplateSample): ValueObject {
  return withTraits(
    { Labels: new Map(labelPairs(sample.labels)), Value: sample.value },
    { type: '*template.sample', struct: true, methods: new Map() },
  );
}

function queries(options: PrometheusFunctionOptions): readonly (readonly [string, TemplateFunction])[] {
  return [
    [
      'query',
      {
        params: ['string'],
        call: ([expr]) => {
          const answer = options.answers?.get(String(expr));
          if (answer === undefined) return err({ needsQuery: String(expr) });
          if ('error' in answer) return err(answer.error);
          return ok(withTraits(answer.map(sampleValue), QUERY_RESULT));
        },
      },
    ],
    [
      'first',
      {
        params: ['list'],
        call: ([list]) => {
          const first = isList(list) ? list[0] : undefined;
          return first === undefined ? err('first() called on vector with no elements') : ok(first);
        },
      },
    ],
    ['value', { params: ['any'], call: ([sample]) => field(sample, 'Value') }],
    ['label', { params: ['string', 'any'], call: ([name, sample]) => label(sample, String(name)) }],
    ['strvalue', { params: ['any'], call: ([sample]) => label(sample, '__value__') }],
    [
      'sortByLabel',
      {
        params: ['string', 'list'],
        call: ([name, list]) => {
          const key = (item: Value): string => {
            const found = label(item, String(name));
            return found.ok ? String(found.value) : '';
          };
          const items = isList(list) ? [...list] : [];
          return ok(items.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0)));
        },
      },
    ],
  ];
}

const QUERY_RESULT = { type: 'template.queryResult', struct: true, methods: new Map() };

function field(sample: Value, name: string): ReturnType<TemplateFunction['call']> {
  if (!isObject(sample)) return err(`not a sample: ${typeName(sample)}`);
  return ok(entryOf(sample, name));
}

function label(sample: Value, name: string): ReturnType<TemplateFunction['call']> {
  const labels = isObject(sample) ? entryOf(sample, 'Labels') : undefined;
  return isMap(labels) ? ok(entryOf(labels, name) ?? '') : err(`not a sample: ${typeName(sample)}`);
}
