// Schema combinators: how a kind says what its settings look like. A schema reads a positioned YAML node into plain
// data and reports everything wrong with it; it never throws and never stops at the first error.

import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { type Code, parseDuration } from '../base/index.ts';
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
  /** Follows an alias. */
  resolve(node: Node): Node;
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
  /** Makes the value when the key is absent (or its value is null). */
  readonly absent?: () => T;
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
        const child = (pair.value ?? pair.key) as Node;
        const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
        if (field === undefined) {
          valid = false;
          reportUnknownKey(key, pair.key as Node, Object.keys(fields), context);
          continue;
        }
        seen.add(key);
        const inner = context.child(key, child);
        if (field.notCarriedOut) reportNotCarriedOut(key, pair.key as Node, inner);
        if (isNull(pair.value) && field.absent !== undefined) {
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
  reveal(): string;
  toJSON(): string;
  toString(): string;
}

export function secretOf(value: string): Secret {
  return { reveal: () => value, toJSON: () => '<secret>', toString: () => '<secret>' };
}

export function secret(): Schema<Secret> {
  return scalar('secret', (raw, source) => secretOf(typeof raw === 'string' ? raw : source));
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
    if (/^(yes|on)$/i.test(source)) return true;
    if (/^(no|off)$/i.test(source)) return false;
    return wrong('true or false', source, context);
  });
}

/** Milliseconds, from Prometheus's notation. */
export function duration(options: { readonly min?: number; readonly max?: number } = {}): Schema<number> {
  return scalar('duration', (_, source, context) => {
    const parsed = parseDuration(source);
    if (!parsed.ok) return bad(`Cannot take "${source}": ${parsed.error}`, context);
    return inRange(parsed.value, options, context);
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
      if (!isSeq(seq)) return wrongType('a list', seq, context);
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
        const inner = context.child(name, (pair.value ?? pair.key) as Node);
        if (
          key !== undefined &&
          key.read(pair.key as Node, context.child(name, pair.key as Node)) === INVALID
        )
          valid = false;
        const read = item.read((pair.value ?? pair.key) as Node, inner);
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
  return { says: 'anything', read: (node, context) => context.resolve(node).toJSON() };
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

function wrongType(wanted: string, node: Node, context: ReadContext): Invalid {
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

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.source ?? key.value) : isAlias(key) ? `*${key.source}` : String(key);
}

function isNull(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}
