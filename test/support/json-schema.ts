// Judges values by JSON schemas, as far as descriptions of HTTP APIs use them. What it does not know it refuses to pass over.

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly format?: string;
}

const KNOWN: ReadonlySet<string> = new Set([
  ...['$ref', 'type', 'properties', 'required', 'additionalProperties', 'items', 'minItems', 'maxItems'],
  ...['enum', 'anyOf', 'oneOf', 'allOf', 'description', 'example', 'examples', 'format', 'title', 'default'],
]);

/** Each with its place; none: the value is as the schema says. */
export function schemaProblems(
  value: unknown,
  schema: Schema,
  named: Readonly<Record<string, Schema>>,
  place = '$',
): string[] {
  const unknown = Object.keys(schema).filter(key => !KNOWN.has(key));
  if (unknown.length > 0)
    return [`${place}: the schema says "${unknown.join('", "')}", which is not judged here`];
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    const found = named[name];
    return found === undefined
      ? [`${place}: no schema "${name}"`]
      : schemaProblems(value, found, named, place);
  }
  const problems = (schema.allOf ?? []).flatMap(one => schemaProblems(value, one, named, place));
  if (problems.length > 0) return problems;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) {
    const each = choices.map(choice => schemaProblems(value, choice, named, place));
    const fitting = each.filter(problems => problems.length === 0).length;
    if (fitting === 0) return [`${place}: fits none of ${choices.length} shapes`, ...each.flat()];
  }
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return [`${place}: ${JSON.stringify(value)} is none of ${JSON.stringify(schema.enum)}`];
  if (schema.type !== undefined && ![schema.type].flat().some(type => isOfType(value, type)))
    return [`${place}: ${JSON.stringify(value)} is no ${[schema.type].flat().join(' or ')}`];
  if (schema.format === 'date-time' && !isDateTime(value))
    return [`${place}: ${JSON.stringify(value)} is no time`];
  if (Array.isArray(value)) return arrayProblems(value, schema, named, place);
  if (typeof value === 'object' && value !== null)
    return objectProblems(value as Readonly<Record<string, unknown>>, schema, named, place);
  return [];
}

/** RFC 3339. */
function isDateTime(value: unknown): boolean {
  const isWritten = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(String(value));
  return isWritten && !Number.isNaN(Date.parse(String(value)));
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

function arrayProblems(
  value: readonly unknown[],
  { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY }: Schema,
  named: Readonly<Record<string, Schema>>,
  place: string,
): string[] {
  if (value.length < minItems || value.length > maxItems)
    return [`${place}: ${value.length} items, ${minItems} to ${maxItems} expected`];
  if (items === undefined) return [];
  return value.flatMap((item, i) => schemaProblems(item, items, named, `${place}[${i}]`));
}

function objectProblems(
  value: Readonly<Record<string, unknown>>,
  { properties = {}, required = [], additionalProperties = true }: Schema,
  named: Readonly<Record<string, Schema>>,
  place: string,
): string[] {
  const problems = required.filter(name => !(name in value)).map(name => `${place}: "${name}" is missing`);
  for (const [name, one] of Object.entries(value)) {
    const known = properties[name];
    if (known !== undefined) problems.push(...schemaProblems(one, known, named, `${place}.${name}`));
    else if (additionalProperties === false) problems.push(`${place}: "${name}" is not expected`);
    else if (typeof additionalProperties === 'object')
      problems.push(...schemaProblems(one, additionalProperties, named, `${place}.${name}`));
  }
  return problems;
}
