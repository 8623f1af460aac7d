// Schema combinators: how a kind says what its settings look like. A schema reads a positioned YAML node into plain
// data and reports everything wrong with it; it never throws and never stops at the first error.

import { isAlias, isMap, isScalar, isSeq, type Node, Scalar, type YAMLMap } from 'yaml';
import { type Code, parseDuration } from '../base/index.ts';
import type { Diagnostic } from '../model/index.ts';
import { nearest } from './nearest.ts';

/** A failed read. Diagnostics were reported; the value is left out of what is returned. */
export const INVALID: unique symbol = Symbol('invalid');
export type Invalid = typeof INVALID;

/** Where a node stands, and where its problems go. */
export interface ReadContext {
  /** "route.routes[1].matchers"; "" at the top. */
  readonly path: string;
  report(problem: {
    readonly code: Code;
    readonly severity?: 'error' | 'warning';
    readonly message: string;
    readonly remedy?: string;
    /** The node to point at, by default the one being read. */
    readonly at?: Node | undefined;
  }): void;
  /** The context of a child. */
  child(key: string | number, node: Node | undefined): ReadContext;
  /** Follows an alias and spreads merge keys ("<<"). */
  resolve(node: Node): Node;
  /** What `${NAME}` stands for; undefined while a text is only checked: then nothing is expanded. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Whether `${NAME}` in a secret is expanded: in our file only, Prometheus's own files take secrets as written. */
  readonly expandSecrets?: boolean;
  /** Whether keys that no schema knows are passed over. */
  readonly allowsUnknownKeys?: boolean;
  /** A path as the file means it: a relative one starts at the file's folder. */
  resolvePath(path: string): string;
  /** Tells that what the node says is not to be shown. */
  readonly hide?: (node: Node) => void;
  /** Tells of a text that is a template: what it calls is judged once the files of templates are read. */
  readonly noteTemplate?: (text: string) => void;
  /** Everything reported in this reading so far, for checks that run after it. */
  readonly problems?: () => readonly Diagnostic[];
  /** Contents of files named by the configuration; undefined while a text is only checked. */
  readonly files?: FileContents | undefined;
}

/** Files that a schema asks for: the loader reads what was wanted and reads the document again with the contents. */
export interface FileContents {
  /** The content, or why it could not be read, or undefined when it has not been read yet. */
  want(
    path: string,
  ):
    | { readonly ok: true; readonly text: string; readonly path: string }
    | { readonly ok: false; readonly message: string }
    | undefined;
}

export interface Schema<T> {
  /** What a person reads: "duration", "list of string", "one of a, b". */
  readonly says: string;
  read(node: Node, context: ReadContext): T | Invalid;
}

/** One key of a mapping. */
export interface Field<T> {
  readonly schema: Schema<T>;
  readonly required: boolean;
  /** Makes the value when the key is absent (or its value is null, unless `nullIsValue`). */
  readonly absent?: () => T;
  /** The schema reads a null (`key:` with nothing behind it) itself. */
  readonly nullIsValue?: boolean;
  /** The key is valid but not acted on: its presence gives a warning naming it. */
  readonly notCarriedOut: boolean;
  /** One line for the reference page. */
  readonly help: string;
}

export function required<T>(schema: Schema<T>, help = ''): Field<T> {
  return { schema, required: true, notCarriedOut: false, help };
}

export function optional<T>(schema: Schema<T>, help = ''): Field<T | undefined> {
  return {
    schema: schema as Schema<T | undefined>,
    required: false,
    absent: () => undefined,
    notCarriedOut: false,
    help,
  };
}

export function withDefault<T>(schema: Schema<T>, value: T, help = ''): Field<T> {
  return { schema, required: false, absent: () => value, notCarriedOut: false, help };
}

/** A key whose null is a value of its own: `action:` with nothing behind it is an empty action, not the default one. */
export function nullable<T>(schema: Schema<T>, value: T, help = ''): Field<T> {
  return { ...withDefault(schema, value, help), nullIsValue: true };
}

/** Many optional keys at once. */
export function optionals<S extends Readonly<Record<string, Schema<unknown>>>>(
  schemas: S,
): { readonly [K in keyof S]: Field<S[K] extends Schema<infer T> ? T | undefined : never> } {
  return Object.fromEntries(
    Object.entries(schemas).map(([key, schema]) => [key, optional(schema)]),
    // The mapping keeps each key and each schema's type, which Object.fromEntries cannot say.
  ) as { readonly [K in keyof S]: Field<S[K] extends Schema<infer T> ? T | undefined : never> };
}

/** Many keys that are valid and not acted on. */
export function allNotCarriedOut<S extends Readonly<Record<string, Schema<unknown>>>>(
  schemas: S,
): { readonly [K in keyof S]: Field<S[K] extends Schema<infer T> ? T | undefined : never> } {
  return Object.fromEntries(
    Object.entries(schemas).map(([key, schema]) => [key, notCarriedOut(schema)]),
    // As above.
  ) as { readonly [K in keyof S]: Field<S[K] extends Schema<infer T> ? T | undefined : never> };
}

/** Read and validated, then warned of: nothing acts on it yet. */
export function notCarriedOut<T>(schema: Schema<T>, help = ''): Field<T | undefined> {
  return { ...optional(schema, help), notCarriedOut: true };
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type RecordOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** A mapping with known keys. `check` sees the finished value and reports what no single key can know. */
export function record<F extends Fields>(
  fields: F,
  check?: (value: RecordOf<F>, context: ReadContext, node: Node) => void,
): Schema<RecordOf<F>> {
  return {
    says: 'mapping',
    read(node, context) {
      const map = context.resolve(node);
      if (!isMap(map)) return wrongType('a mapping', map, context);
      const seen = new Set<string>();
      const value: Record<string, unknown> = {};
      let valid = true;
      for (const pair of map.items) {
        const key = keyText(pair.key);
        const child = valueNode(pair);
        const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
        if (field === undefined) {
          if (context.allowsUnknownKeys === true) continue;
          valid = false;
          reportUnknownKey(key, pair.key as Node, Object.keys(fields), context);
          continue;
        }
        seen.add(key);
        const inner = context.child(key, child);
        if (field.notCarriedOut) reportNotCarriedOut(key, pair.key as Node, inner);
        if (isNull(pair.value) && field.absent !== undefined && field.nullIsValue !== true) {
          value[key] = field.absent();
          continue;
        }
        const read = field.schema.read(child, inner);
        if (read === INVALID) valid = false;
        else value[key] = read;
      }
      for (const [key, field] of Object.entries(fields)) {
        if (seen.has(key)) continue;
        if (field.absent !== undefined) value[key] = field.absent();
        else {
          valid = false;
          context.report({
            code: 'config-missing-key',
            message: `Cannot do without "${key}": the key is required${context.path === '' ? '' : ` in ${context.path}`}`,
            remedy: `add "${key}: <${field.schema.says}>"`,
            at: map,
          });
        }
      }
      if (!valid) return INVALID;
      const finished = value as RecordOf<F>;
      check?.(finished, context, map);
      return finished;
    },
  };
}

export interface TextOptions {
  readonly notEmpty?: boolean;
  readonly oneOf?: readonly string[];
  readonly pattern?: RegExp;
  /** What the pattern stands for: "a label name". */
  readonly patternSays?: string;
}

export function text(options: TextOptions = {}): Schema<string> {
  const says =
    options.oneOf === undefined ? (options.patternSays ?? 'string') : `one of ${options.oneOf.join(', ')}`;
  return scalar(says, (raw, source, context) => {
    // A plain scalar such as 9090 or true is taken as the text that was written, as Prometheus's YAML reader does.
    const value = typeof raw === 'string' ? raw : source;
    if (options.notEmpty === true && value === '')
      return bad(`Cannot take an empty text: ${says} expected`, context);
    if (options.oneOf !== undefined && !options.oneOf.includes(value)) {
      const near = nearest(value, options.oneOf);
      return bad(
        `Cannot take "${value}": ${says} expected`,
        context,
        near === undefined ? undefined : `did you mean "${near}"?`,
      );
    }
    if (options.pattern !== undefined && !options.pattern.test(value)) {
      return bad(`Cannot take "${value}": ${says} expected`, context);
    }
    return value;
  });
}

/** A password or token. The value is wrapped so that no message or page prints it by accident. */
export interface Secret {
  /** The file that it was read from, if any: whoever uses it for long reads it again there. */
  readonly file?: string;
  reveal(): string;
  toJSON(): string;
  toString(): string;
}

export function secretOf(value: string, file?: string): Secret {
  return {
    ...(file === undefined ? {} : { file }),
    reveal: () => value,
    toJSON: () => '<secret>',
    toString: () => '<secret>',
  };
}

/** Whether two read sections say the same, their secrets included. */
export function sameSettings(a: unknown, b: unknown): boolean {
  return settingsKey(a) === settingsKey(b);
}

/** All that the settings say, secrets in the clear: to compare, never to show. */
export function settingsKey(settings: unknown): string {
  return JSON.stringify(settings, function (this: unknown, key: string, value: unknown) {
    // `value` is what toJSON made of it; the holder still has the secret itself.
    const raw: unknown = (this as Readonly<Record<string, unknown>>)[key];
    const isSecret = typeof raw === 'object' && raw !== null && 'reveal' in raw;
    if (isSecret) return (raw as Secret).reveal();
    // As JSON a Map is an empty object.
    return raw instanceof Map ? [...raw] : value;
  });
}

export function secret(): Schema<Secret> {
  const read = scalar('secret', (raw, source, context) => {
    const written = typeof raw === 'string' ? raw : source;
    if (context.env === undefined || context.expandSecrets !== true) return secretOf(written);
    const expanded = expandEnvironment(written, context.env, context);
    return expanded === INVALID ? INVALID : secretOf(expanded);
  });
  return hidden(read);
}

/** What it reads is not shown where the configuration is. */
export function hidden<T>(schema: Schema<T>): Schema<T> {
  return {
    says: schema.says,
    read(node, context) {
      context.hide?.(context.resolve(node));
      return schema.read(node, context);
    },
  };
}

/** The path of a file that holds a secret; its content without surrounding white space is the value. */
export function secretFile(): Schema<Secret> {
  return mapped(namedFile(), file => secretOf(file.text.trim(), file.path));
}

/** The path of a file; the value is its content, "" while the text is only checked. */
export function fileText(): Schema<string> {
  return mapped(namedFile(), file => file.text);
}

/** A path that is used later, of one file or of several: a relative one starts at the folder of this file. */
export function filePath(path: Schema<string> = text()): Schema<string> {
  return mapped(path, (written, context) => (written === '' ? '' : context.resolvePath(written)));
}

/** `path` is where the content came from; absent while the text is only checked. */
function namedFile(): Schema<{ readonly text: string; readonly path?: string }> {
  return scalar('path of a file', (raw, source, context) => {
    const path = typeof raw === 'string' ? raw : source;
    if (path === '' || context.files === undefined) return { text: '' };
    const content = context.files.want(path);
    if (content === undefined) return { text: '' };
    if (content.ok) return content;
    context.report({
      code: 'config-io',
      message: `Cannot read "${path}" for ${context.path}: ${content.message}`,
      remedy:
        'check the path and its permissions; a relative path starts at the folder of this configuration file',
    });
    return INVALID;
  });
}

/** Only the form with braces is a variable: passwords may hold dollar signs. */
function expandEnvironment(
  written: string,
  env: Readonly<Record<string, string>>,
  context: ReadContext,
): string | Invalid {
  let valid = true;
  const expanded = written.replace(/\$\$\{|\$\{([A-Za-z_]\w*)\}/g, (whole, name?: string) => {
    // "$${" is an escaped "${".
    if (name === undefined) return whole === '$${' ? '${' : whole;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined) return value;
    valid = false;
    context.report({
      code: 'config-environment',
      message: `Cannot expand "\${${name}}" for ${context.path}: the environment variable ${name} is not set`,
      remedy: `set ${name}; write two dollar signs before the brace for a literal one`,
    });
    return '';
  });
  return valid ? expanded : INVALID;
}

export function integer(options: { readonly min?: number; readonly max?: number } = {}): Schema<number> {
  return scalar('whole number', (raw, source, context) => {
    if (typeof raw !== 'number' || !Number.isInteger(raw)) return wrong('a whole number', source, context);
    return inRange(raw, options, context);
  });
}

export function number(options: { readonly min?: number; readonly max?: number } = {}): Schema<number> {
  return scalar('number', (raw, source, context) => {
    if (typeof raw !== 'number') return wrong('a number', source, context);
    return inRange(raw, options, context);
  });
}

export function boolean(): Schema<boolean> {
  return scalar('true or false', (raw, source, context) => {
    if (typeof raw === 'boolean') return raw;
    // YAML 1.1 words, which Go's reader takes for a boolean field.
    if (/^(y|yes|on)$/i.test(source)) return true;
    if (/^(n|no|off)$/i.test(source)) return false;
    return wrong('true or false', source, context);
  });
}

/** Milliseconds, from Prometheus's notation. */
export function duration(options: { readonly min?: number; readonly max?: number } = {}): Schema<number> {
  return scalar('duration', (_, source, context) => {
    const parsed = parseDuration(source);
    if (parsed.ok) return inRange(parsed.value, options, context);
    const tooLong = parsed.error.startsWith('duration too long');
    return bad(
      `Cannot take "${source}" for ${context.path}: ${tooLong ? 'the duration is too long, at most 292 years' : 'not a duration'}`,
      context,
      tooLong ? undefined : 'write a number and a unit, such as 30s, 5m, 1h30m or 15d',
    );
  });
}

/** Bytes: a number with B, KB, MB, GB, TB, PB, EB (powers of 1024, also written KiB …); 0 is no limit. */
export function size(): Schema<number> {
  return scalar('size', (_, source, context) => {
    const match = /^(\d+)(?:([KMGTPE]?)i?B)?$/.exec(source);
    if (match === null || (source !== '0' && !source.endsWith('B'))) {
      return bad(`Cannot take "${source}": a size such as 512MB or 10GB expected`, context);
    }
    const power = match[2] === '' || match[2] === undefined ? 0 : 'KMGTPE'.indexOf(match[2]) + 1;
    return Number(match[1]) * 1024 ** power;
  });
}

export function list<T>(item: Schema<T>): Schema<readonly T[]> {
  return {
    says: `list of ${item.says}`,
    read(node, context) {
      const seq = context.resolve(node);
      if (!isSeq(seq)) {
        const isOne = isScalar(seq) && seq.value !== null && !/[,[\]{}"'\n]/.test(String(seq.source));
        return wrongType('a list', seq, context, isOne ? `write ["${seq.source}"]` : undefined);
      }
      const values: T[] = [];
      let valid = true;
      seq.items.forEach((entry, i) => {
        const read = item.read(entry as Node, context.child(i, entry as Node));
        if (read === INVALID) valid = false;
        else values.push(read);
      });
      return valid ? values : INVALID;
    },
  };
}

/** A mapping with free keys. */
export function mapOf<T>(item: Schema<T>, key?: Schema<string>): Schema<ReadonlyMap<string, T>> {
  return {
    says: `mapping to ${item.says}`,
    read(node, context) {
      const map = context.resolve(node);
      if (!isMap(map)) return wrongType('a mapping', map, context);
      const values = new Map<string, T>();
      let valid = true;
      for (const pair of map.items) {
        const name = keyText(pair.key);
        const child = valueNode(pair);
        const inner = context.child(name, child);
        if (
          key !== undefined &&
          key.read(pair.key as Node, context.child(name, pair.key as Node)) === INVALID
        )
          valid = false;
        const read = item.read(child, inner);
        if (read === INVALID) valid = false;
        else values.set(name, read);
      }
      return valid ? values : INVALID;
    },
  };
}

/** Reads with `schema`, then turns the value into another; `map` may report and return INVALID. */
export function mapped<A, B>(
  schema: Schema<A>,
  map: (value: A, context: ReadContext, node: Node) => B | Invalid,
): Schema<B> {
  return {
    says: schema.says,
    read(node, context) {
      const value = schema.read(node, context);
      return value === INVALID ? INVALID : map(value, context, node);
    },
  };
}

/** For recursive schemas. */
export function lazy<T>(make: () => Schema<T>): Schema<T> {
  let made: Schema<T> | undefined;
  const get = (): Schema<T> => {
    made ??= make();
    return made;
  };
  return { says: 'nested', read: (node, context) => get().read(node, context) };
}

/** Anything: validated elsewhere or not at all. */
export function anything(): Schema<unknown> {
  return { says: 'anything', read: plainValue };
}

function plainValue(node: Node, context: ReadContext): unknown {
  const found = context.resolve(node);
  if (isScalar(found)) return found.value;
  if (isSeq(found))
    return found.items.map((item, i) => plainValue(item as Node, context.child(i, item as Node)));
  if (!isMap(found)) return undefined;
  const value: Record<string, unknown> = Object.create(null);
  for (const pair of found.items) {
    const key = keyText(pair.key);
    const child = valueNode(pair);
    value[key] = plainValue(child, context.child(key, child));
  }
  return value;
}

/** Reports a bad value at the node being read. */
export function bad(message: string, context: ReadContext, remedy?: string): Invalid {
  context.report({ code: 'config-bad-value', message, ...(remedy === undefined ? {} : { remedy }) });
  return INVALID;
}

// --- helpers --------------------------------------------------------------------------------------

function scalar<T>(
  says: string,
  read: (raw: unknown, source: string, context: ReadContext) => T | Invalid,
): Schema<T> {
  return {
    says,
    read(node, context) {
      const resolved = context.resolve(node);
      if (!isScalar(resolved)) return wrongType(says, resolved, context);
      if (resolved.value === null && resolved.source !== '' && resolved.type === 'PLAIN') {
        return wrong(says, String(resolved.source ?? 'null'), context);
      }
      return read(resolved.value, String(resolved.source ?? resolved.value ?? ''), context);
    },
  };
}

function inRange(
  value: number,
  options: { readonly min?: number; readonly max?: number },
  context: ReadContext,
): number | Invalid {
  if (options.min !== undefined && value < options.min)
    return bad(`Cannot take ${value}: at least ${options.min} expected`, context);
  if (options.max !== undefined && value > options.max)
    return bad(`Cannot take ${value}: at most ${options.max} expected`, context);
  return value;
}

function wrong(wanted: string, source: string, context: ReadContext): Invalid {
  context.report({
    code: 'config-wrong-type',
    message: `Cannot take "${source}" for ${context.path}: ${wanted} expected`,
  });
  return INVALID;
}

function wrongType(wanted: string, node: Node, context: ReadContext, remedy?: string): Invalid {
  const found = isMap(node)
    ? 'a mapping'
    : isSeq(node)
      ? 'a list'
      : isScalar(node)
        ? JSON.stringify(node.value)
        : 'something else';
  context.report({
    code: 'config-wrong-type',
    message: `Cannot take ${found} for ${context.path === '' ? 'the document' : context.path}: ${wanted} expected`,
    ...(remedy === undefined ? {} : { remedy }),
    at: node,
  });
  return INVALID;
}

function reportUnknownKey(key: string, at: Node, known: readonly string[], context: ReadContext): void {
  const near = nearest(key, known);
  context.report({
    code: 'config-unknown-key',
    message: `Cannot use "${key}"${context.path === '' ? '' : ` in ${context.path}`}: no such key`,
    remedy: near === undefined ? `known keys: ${known.join(', ')}` : `did you mean "${near}"?`,
    at,
  });
}

function reportNotCarriedOut(key: string, at: Node, context: ReadContext): void {
  context.report({
    code: 'config-not-carried-out',
    severity: 'warning',
    message: `"${key}" at ${context.path} is valid, but this version does not act on it`,
    at,
  });
}

/** The text of a key as Go's reader takes it: `9090:` is the text "9090". */
export function keyText(key: unknown): string {
  if (!isScalar(key)) return isAlias(key) ? `*${key.source}` : String(key);
  return typeof key.value === 'string' ? key.value : String(key.source ?? key.value);
}

/** The key's node in a mapping, where a problem with it is pointed at. */
export function keyNode(node: Node, key: string): Node | undefined {
  if (!isMap(node)) return undefined;
  return node.items.find(pair => keyText(pair.key) === key)?.key as Node | undefined;
}

/** The node behind a key of a mapping. */
export function valueNodeAt(node: Node, key: string): Node | undefined {
  if (!isMap(node)) return undefined;
  const pair = node.items.find(one => keyText(one.key) === key);
  return pair === undefined ? undefined : valueNode(pair);
}

/** Whether the key stands in the mapping, be it with a null. */
export function hasKey(node: Node, key: string): boolean {
  return keyNode(node, key) !== undefined;
}

/** `{a}` and `? a` have a key and no value at all. */
export function valueNode(pair: YAMLMap['items'][number]): Node {
  if (pair.value !== null && pair.value !== undefined) return pair.value as Node;
  const none = new Scalar(null);
  none.source = '';
  none.range = (pair.key as Node).range ?? null;
  return none;
}

function isNull(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}
