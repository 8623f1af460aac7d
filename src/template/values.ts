// What templates compute with. Go's kinds are told apart by JavaScript's: a bigint is an int, a number is a
// float64, a Map is a map[string]string, a plain object is a map[string]any, and an object with traits is a Go
// value of a named type with methods.

import { compareUtf8, type Result } from '../base/index.ts';

export type Value =
  | null
  | undefined
  | string
  | number
  | bigint
  | boolean
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | ValueObject;

/** Fields of a struct, or entries of a map[string]any. */
export interface ValueObject {
  readonly [key: string]: Value;
}

/** The kind of a parameter, checked before the call as Go's reflection does. */
export type ParamKind = 'any' | 'string' | 'int' | 'float' | 'bool' | 'list' | 'map' | 'time' | 'duration';

export interface CallContext {
  readonly nowMs: number;
  /** Runs a defined template and returns its text. */
  readonly expand: (name: string, dot: Value) => string;
  /** Formats as print does, within the output limit. */
  readonly format: (value: Value) => string;
}

export interface TemplateFunction {
  readonly params: readonly ParamKind[];
  /** Kind of any further arguments; absent: none are taken. */
  readonly rest?: ParamKind;
  /** The error is the bare cause. A function that must ask a query first returns `needs`. */
  readonly call: (
    args: readonly Value[],
    context: CallContext,
  ) => Result<Value, string | { readonly needsQuery: string }>;
}

export type FunctionTable = ReadonlyMap<string, TemplateFunction>;

/** Sits on a Map, an array or an object under this key and makes it a Go value of a named type. */
export const TRAITS: unique symbol = Symbol('go type');

export interface Traits {
  /** As Go prints it: "template.Alert". */
  readonly type: string;
  /** A struct: a name that is neither field nor method is an error, and it is always true. */
  readonly struct: boolean;
  readonly methods: FunctionTable;
  /** Stringer. */
  readonly text?: () => string;
  /** json.Marshaler: what toJson writes instead. */
  readonly json?: () => Value;
  /** The time, for functions that want one. */
  readonly timeNs?: bigint;
  readonly zone?: string;
  readonly durationNs?: bigint;
  /** Text that the HTML mode writes without escaping. */
  readonly safe?: 'html' | 'url';
}

export function withTraits<T extends Value & object>(value: T, traits: Traits): T {
  return Object.defineProperty(value, TRAITS, { value: traits, enumerable: false });
}

export function traitsOf(value: Value): Traits | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as { readonly [TRAITS]?: Traits })[TRAITS];
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ReadonlyMap<string, Value> {
  return value instanceof Map;
}

/** A struct or a map[string]any. */
export function isObject(value: Value): value is ValueObject {
  return typeof value === 'object' && value !== null && !isList(value) && !isMap(value);
}

/** Keys in the order in which Go prints and ranges over maps. */
export function sortedKeys(value: ReadonlyMap<string, Value> | ValueObject): readonly string[] {
  const keys = isMap(value) ? [...value.keys()] : Object.keys(value);
  return keys.sort(compareUtf8);
}

export function entryOf(value: ReadonlyMap<string, Value> | ValueObject, key: string): Value {
  if (isMap(value)) return value.get(key);
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

export function hasEntry(value: ReadonlyMap<string, Value> | ValueObject, key: string): boolean {
  return isMap(value) ? value.has(key) : Object.hasOwn(value, key);
}

export function isTrue(value: Value): boolean {
  if (value === null || value === undefined) return false;
  switch (typeof value) {
    case 'string':
      return value !== '';
    case 'number':
      return value !== 0;
    case 'bigint':
      return value !== 0n;
    case 'boolean':
      return value;
  }
  const traits = traitsOf(value);
  if (traits?.durationNs !== undefined) return traits.durationNs !== 0n;
  if (traits?.struct === true) return true;
  if (isList(value)) return value.length > 0;
  return isMap(value) ? value.size > 0 : Object.keys(value).length > 0;
}

/** Go's name of the value's type, for messages. */
export function typeName(value: Value): string {
  const traits = traitsOf(value);
  if (traits !== undefined) return traits.type;
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (isList(value)) return '[]interface {}';
  return isMap(value) ? 'map[string]string' : 'map[string]interface {}';
}

/** Why a function cannot be called with these values, as Go says it. */
export function argumentProblem(
  name: string,
  { params, rest }: Pick<TemplateFunction, 'params' | 'rest'>,
  args: readonly Value[],
): string | undefined {
  const wanted = params.length;
  if (args.length < wanted || (rest === undefined && args.length > wanted)) {
    const bound = rest === undefined ? wanted : `at least ${wanted}`;
    return `wrong number of args for ${name}: want ${bound} got ${args.length}`;
  }
  for (const [i, value] of args.entries()) {
    const kind = params[i] ?? rest ?? 'any';
    if (fits(value, kind)) continue;
    const found = value === null || value === undefined ? 'invalid value' : 'wrong type for value';
    return `${found}; expected ${KIND_NAMES[kind]}; got ${typeName(value)}`;
  }
  return undefined;
}

/** Go's names. */
const KIND_NAMES: Readonly<Record<ParamKind, string>> = {
  any: 'interface {}',
  string: 'string',
  int: 'int',
  float: 'float64',
  bool: 'bool',
  list: '[]interface {}',
  map: 'map',
  time: 'time.Time',
  duration: 'time.Duration',
};

/** Whether a value may be passed for a parameter of that kind. */
function fits(value: Value, kind: ParamKind): boolean {
  switch (kind) {
    case 'any':
      return true;
    case 'string':
      return typeof value === 'string';
    case 'int':
      return typeof value === 'bigint';
    case 'float':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'list':
      return isList(value);
    case 'map':
      return isMap(value) || (isObject(value) && traitsOf(value)?.struct !== true);
    case 'time':
      return traitsOf(value)?.timeNs !== undefined;
    case 'duration':
      return traitsOf(value)?.durationNs !== undefined;
  }
}
