// Alertmanager's functions for notification templates.

import { err, ok } from '../base/index.ts';
import { expandTemplate } from './expand.ts';
import { humanizeDuration, toFloat } from './humanize.ts';
import { toJson } from './json.ts';
import { TEMPLATE_LIMITS } from './limits.ts';
import { matchFunction, reReplaceAllFunction, safeText, textFunction, titleCase } from './text.ts';
import { formatTime, goDuration, goTime, goTimeFromMs, isTimeZone, parseTime, ZERO_TIME_NS } from './time.ts';
import { type FunctionTable, isList, type TemplateFunction, traitsOf, type Value } from './values.ts';

export interface AlertmanagerFunctionOptions {
  /** Labels of the route: templates themselves, expanded over `data` when asked for. */
  readonly routeLabels?: ReadonlyMap<string, string>;
  readonly data?: Value;
}

/** Expansions of route labels in one notification: labels that name each other twice double at each level. */
const ROUTE_LABELS_MAX = 1000;

export function alertmanagerFunctions(options: AlertmanagerFunctionOptions = {}): FunctionTable {
  return tableFor(options, { active: [], count: { used: 0 } });
}

interface RouteLabelState {
  /** Labels being expanded: meeting one again is a cycle. */
  readonly active: readonly string[];
  readonly count: { used: number };
}

function tableFor(options: AlertmanagerFunctionOptions, state: RouteLabelState): FunctionTable {
  return new Map<string, TemplateFunction>([
    ...texts(),
    ...times(),
    ...collections(),
    [
      'routeLabels',
      { params: ['string'], call: ([name], context) => routeLabel(String(name), context.nowMs) },
    ],
  ]);

  function routeLabel(name: string, nowMs: number): ReturnType<TemplateFunction['call']> {
    const text = options.routeLabels?.get(name);
    if (text === undefined) return ok('');
    if (state.active.includes(name)) return err(`route label cycle: ${[...state.active, name].join(' -> ')}`);
    if (++state.count.used > ROUTE_LABELS_MAX) return err(`more than ${ROUTE_LABELS_MAX} route labels`);
    const functions = tableFor(options, { active: [...state.active, name], count: state.count });
    const result = expandTemplate(text, options.data, { functions, nowMs });
    return result.ok ? ok(result.value) : err(result.error.message);
  }
}

function texts(): readonly (readonly [string, TemplateFunction])[] {
  return [
    ['toUpper', textFunction(1, (text = '') => text.toUpperCase())],
    ['toLower', textFunction(1, (text = '') => text.toLowerCase())],
    ['title', textFunction(1, (text = '') => titleCase(text))],
    ['trimSpace', textFunction(1, (text = '') => text.trim())],
    ['match', matchFunction],
    ['reReplaceAll', reReplaceAllFunction],
    ['safeHtml', textFunction(1, (text = '') => safeText(text, 'html'))],
    ['safeUrl', textFunction(1, (text = '') => safeText(text, 'url'))],
    ['urlUnescape', { params: ['string'], call: ([text]) => unescapeUrl(String(text)) }],
    ['base64encode', textFunction(1, (text = '') => Buffer.from(text, 'utf8').toString('base64'))],
    ['join', { params: ['string', 'list'], call: ([sep, list]) => ok(joinTexts(String(sep), list)) }],
    ['stringSlice', { params: [], rest: 'string', call: args => ok([...args]) }],
    ['toJson', { params: ['any'], call: ([value]) => toJson(value, TEMPLATE_LIMITS.outputCharsMax) }],
  ];
}

function joinTexts(separator: string, list: Value): string {
  return isList(list)
    ? list.map(item => (typeof item === 'string' ? item : String(item))).join(separator)
    : '';
}

function unescapeUrl(text: string): ReturnType<TemplateFunction['call']> {
  try {
    return ok(decodeURIComponent(text.replaceAll('+', ' ')));
  } catch {
    return err(`invalid URL escape in ${JSON.stringify(text)}`);
  }
}

function times(): readonly (readonly [string, TemplateFunction])[] {
  const timeOf = (value: Value): bigint => traitsOf(value)?.timeNs ?? ZERO_TIME_NS;
  return [
    ['now', { params: [], call: (_, context) => ok(goTimeFromMs(context.nowMs)) }],
    [
      'date',
      {
        params: ['string', 'time'],
        call: ([layout, time]) => ok(formatTime(timeOf(time), traitsOf(time)?.zone ?? 'UTC', String(layout))),
      },
    ],
    [
      'tz',
      {
        params: ['string', 'time'],
        call: ([zone, time]) =>
          isTimeZone(String(zone))
            ? ok(goTime(timeOf(time), String(zone)))
            : err(`unknown time zone ${String(zone)}`),
      },
    ],
    [
      'since',
      {
        params: ['time'],
        call: ([time], context) =>
          ok(goDuration(BigInt(Math.round(context.nowMs)) * 1_000_000n - timeOf(time))),
      },
    ],
    [
      'humanizeDuration',
      {
        params: ['any'],
        call: ([value]) => {
          const seconds = toFloat(value);
          return seconds.ok ? ok(humanizeDuration(seconds.value)) : seconds;
        },
      },
    ],
    [
      'toDate',
      {
        params: ['string', 'string'],
        call: ([layout, text]) => {
          const parsed = parseTime(String(layout), String(text));
          return ok(goTime(parsed.ok ? parsed.value : ZERO_TIME_NS));
        },
      },
    ],
    [
      'mustToDate',
      {
        params: ['string', 'string'],
        call: ([layout, text]) => {
          const parsed = parseTime(String(layout), String(text));
          return parsed.ok ? ok(goTime(parsed.value)) : parsed;
        },
      },
    ],
  ];
}

function collections(): readonly (readonly [string, TemplateFunction])[] {
  return [
    ['list', { params: [], rest: 'any', call: args => ok([...args]) }],
    [
      'append',
      {
        params: ['list'],
        rest: 'any',
        call: ([list, ...items]) => ok([...(isList(list) ? list : []), ...items]),
      },
    ],
    [
      'dict',
      {
        params: [],
        rest: 'any',
        call: args => {
          if (args.length % 2 !== 0) return err('odd number of arguments');
          const entries: [string, Value][] = [];
          for (let i = 0; i < args.length; i += 2) {
            const key = args[i];
            if (typeof key !== 'string') return err('dict keys must be strings');
            entries.push([key, args[i + 1]]);
          }
          return ok(Object.fromEntries(entries));
        },
      },
    ],
  ];
}
