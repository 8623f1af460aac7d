// What is posted to Alertmanager's API, read field by field: unknown JSON in, the house's own types out.

import { err, ok, type Result, type ServerRequest } from '../../base/index.ts';
import {
  type Labels,
  labelsFromFlat,
  type Matcher,
  NO_LABELS,
  type PostedAlert,
  type SilenceDraft,
} from '../../model/index.ts';
import { matcherOf } from './matcher-json.ts';
import { type Malformed, MISSING, TOO_FEW, WRONG_TYPE } from './reply.ts';
import { readTime } from './times.ts';

/** Prometheus posts 64 alerts at a time, some kilobytes each; nobody has a reason for more than this. */
const ALERTS_BYTES_MAX = 16 * 1024 * 1024;
/** Matchers, a comment and some annotations. */
const SILENCE_BYTES_MAX = 1024 * 1024;

type Read<T> = Result<T, Malformed>;
type Json = Readonly<Record<string, unknown>>;

export async function postedAlerts(request: ServerRequest): Promise<Read<readonly PostedAlert[]>> {
  const body = await jsonBody(request, ALERTS_BYTES_MAX);
  if (!body.ok) return body;
  if (!Array.isArray(body.value)) return wrongType('alerts', 'array', body.value);
  const alerts: PostedAlert[] = [];
  for (const [i, item] of body.value.entries()) {
    const alert = postedAlert(item, String(i));
    if (!alert.ok) return alert;
    alerts.push(alert.value);
  }
  return ok(alerts);
}

export async function postedSilence(request: ServerRequest): Promise<Read<SilenceDraft>> {
  const body = await jsonBody(request, SILENCE_BYTES_MAX);
  if (!body.ok) return body;
  if (!isObject(body.value)) return wrongType('silence', 'object', body.value);
  return silenceOf(body.value);
}

// --- alerts -----------------------------------------------------------------------------------------

function postedAlert(item: unknown, place: string): Read<PostedAlert> {
  if (!isObject(item)) return wrongType(place, 'object', item);
  if (isAbsent(item['labels'])) return missing(`${place}.labels`);
  const labels = labelSet(item['labels'], `${place}.labels`);
  if (!labels.ok) return labels;
  const annotations = labelSet(item['annotations'], `${place}.annotations`);
  if (!annotations.ok) return annotations;
  const startsAtMs = time(item['startsAt'], `${place}.startsAt`);
  if (!startsAtMs.ok) return startsAtMs;
  const endsAtMs = time(item['endsAt'], `${place}.endsAt`);
  if (!endsAtMs.ok) return endsAtMs;
  const generatorUrl = text(item['generatorURL'], `${place}.generatorURL`);
  if (!generatorUrl.ok) return generatorUrl;
  if (generatorUrl.value !== undefined && generatorUrl.value !== '' && !URI.test(generatorUrl.value))
    return wrongType(`${place}.generatorURL`, 'uri', generatorUrl.value);
  return ok({
    labels: labels.value,
    annotations: annotations.value,
    ...(startsAtMs.value === undefined ? {} : { startsAtMs: startsAtMs.value }),
    ...(endsAtMs.value === undefined ? {} : { endsAtMs: endsAtMs.value }),
    generatorUrl: generatorUrl.value ?? '',
  });
}

/** With a scheme, or a path from the root. It is shown as a link, so that nothing that runs may stand there. */
const URI = /^(?!(?:javascript|vbscript|data):)(?:[a-z][a-z\d+.-]*:|\/)\P{Cc}*$/iu;

// --- silences ---------------------------------------------------------------------------------------

function silenceOf(body: Json): Read<SilenceDraft> {
  const matchers = silenceMatchers(body['matchers']);
  if (!matchers.ok) return matchers;
  const startsAtMs = requiredTime(body, 'startsAt');
  if (!startsAtMs.ok) return startsAtMs;
  const endsAtMs = requiredTime(body, 'endsAt');
  if (!endsAtMs.ok) return endsAtMs;
  const createdBy = requiredText(body, 'createdBy');
  if (!createdBy.ok) return createdBy;
  const comment = requiredText(body, 'comment');
  if (!comment.ok) return comment;
  const id = text(body['id'], 'id');
  if (!id.ok) return id;
  const annotations = labelSet(body['annotations'], 'annotations');
  if (!annotations.ok) return annotations;
  return ok({
    // amtool sends the empty id for "a new one".
    ...(id.value === undefined || id.value === '' ? {} : { id: id.value }),
    matchers: matchers.value,
    startsAtMs: startsAtMs.value,
    endsAtMs: endsAtMs.value,
    createdBy: createdBy.value,
    comment: comment.value,
    ...(annotations.value.length === 0 ? {} : { annotations: annotations.value }),
  });
}

function silenceMatchers(value: unknown): Read<readonly Matcher[]> {
  if (isAbsent(value)) return missing('matchers');
  if (!Array.isArray(value)) return wrongType('matchers', 'array', value);
  if (value.length === 0)
    return err({ status: 422, code: TOO_FEW, message: 'matchers in body should have at least 1 items' });
  const matchers: Matcher[] = [];
  for (const [i, item] of value.entries()) {
    const matcher = silenceMatcher(item, `matchers.${i}`);
    if (!matcher.ok) return matcher;
    matchers.push(matcher.value);
  }
  return ok(matchers);
}

function silenceMatcher(item: unknown, place: string): Read<Matcher> {
  if (!isObject(item)) return wrongType(place, 'object', item);
  const name = requiredText(item, 'name', place);
  if (!name.ok) return name;
  const value = requiredText(item, 'value', place);
  if (!value.ok) return value;
  if (isAbsent(item['isRegex'])) return missing(`${place}.isRegex`);
  const isRegex = boolean(item['isRegex'], `${place}.isRegex`);
  if (!isRegex.ok) return isRegex;
  const isEqual = boolean(item['isEqual'], `${place}.isEqual`);
  if (!isEqual.ok) return isEqual;
  return ok(
    matcherOf({
      name: name.value,
      value: value.value,
      isRegex: isRegex.value ?? false,
      isEqual: isEqual.value ?? true,
    }),
  );
}

// --- fields -----------------------------------------------------------------------------------------

async function jsonBody(request: ServerRequest, bytesMax: number): Promise<Read<unknown>> {
  const type = request.headers['content-type'] ?? 'application/json';
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type))
    return err({
      status: 422,
      code: 415,
      message: `unsupported media type "${type}": application/json expected`,
    });
  const body = await request.body(bytesMax);
  if (!body.ok) {
    const status = body.error.code === 'http-body-too-large' ? 413 : 400;
    return err({ status, code: status, message: body.error.message });
  }
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body.value));
    return ok(value);
  } catch (error) {
    const cause = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
    return err({ status: 400, code: 400, message: `cannot read the body as JSON: ${cause}` });
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function missing(place: string): Result<never, Malformed> {
  return err({ status: 422, code: MISSING, message: `${place} in body is required` });
}

/** Long values are told by their beginning. */
const SHOWN_CHARS = 100;

function wrongType(place: string, type: string, value: unknown): Result<never, Malformed> {
  const shown = (JSON.stringify(value) ?? '').slice(0, SHOWN_CHARS);
  return err({
    status: 422,
    code: WRONG_TYPE,
    message: `${place} in body must be of type ${type}: ${shown}`,
  });
}

function text(value: unknown, place: string): Read<string | undefined> {
  if (isAbsent(value)) return ok(undefined);
  return typeof value === 'string' ? ok(value) : wrongType(place, 'string', value);
}

function requiredText(body: Json, name: string, place = ''): Read<string> {
  const at = place === '' ? name : `${place}.${name}`;
  const read = text(body[name], at);
  if (!read.ok) return read;
  return read.value === undefined ? missing(at) : ok(read.value);
}

function boolean(value: unknown, place: string): Read<boolean | undefined> {
  if (isAbsent(value)) return ok(undefined);
  return typeof value === 'boolean' ? ok(value) : wrongType(place, 'boolean', value);
}

/** Undefined where it is not there, or is Go's zero time. */
function time(value: unknown, place: string): Read<number | undefined> {
  const read = text(value, place);
  if (!read.ok) return read;
  if (read.value === undefined) return ok(undefined);
  const atMs = readTime(read.value);
  if (atMs === undefined) return wrongType(place, 'date-time', value);
  return ok(atMs === 'none' ? undefined : atMs);
}

function requiredTime(body: Json, name: string): Read<number> {
  const read = time(body[name], name);
  if (!read.ok) return read;
  return read.value === undefined ? missing(name) : ok(read.value);
}

function labelSet(value: unknown, place: string): Read<Labels> {
  if (isAbsent(value)) return ok(NO_LABELS);
  if (!isObject(value)) return wrongType(place, 'object', value);
  const flat: string[] = [];
  for (const name of Object.keys(value)) {
    const one = value[name];
    if (typeof one !== 'string') return wrongType(`${place}.${name}`, 'string', one);
    flat.push(name, one);
  }
  return ok(labelsFromFlat(flat));
}
