// Queries whose text is built once: building one with Kysely costs more than running it.

import type { CompiledQuery } from 'kysely';
import { assert } from '../base/index.ts';

type Values = Readonly<Record<string, string | number | null>>;

/** Stands for a value while the text is built, so that its place among the parameters is seen. */
class Place {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
}

/**
 * The same query for other values: `build` is called once, with a stand-in for each value. It must use each value as a
 * parameter and look at none of them.
 */
export function prepared<V extends Values, Row>(
  keys: readonly (keyof V & string)[],
  build: (values: V) => CompiledQuery<Row>,
): (values: V) => CompiledQuery<Row> {
  let made: { readonly query: CompiledQuery<Row>; readonly places: readonly unknown[] } | undefined;
  return values => {
    if (made === undefined) {
      // Kysely takes any value for a parameter; nothing of the stand-ins is left in what is run.
      const standIns = Object.fromEntries(keys.map(key => [key, new Place(key)])) as unknown as V;
      const query = build(standIns);
      const seen = new Set(query.parameters.map(one => (one instanceof Place ? one.key : '')));
      assert(
        keys.every(key => seen.has(key)),
        'a prepared query uses each of its values',
      );
      made = { query, places: query.parameters };
    }
    const parameters = made.places.map(one => (one instanceof Place ? values[one.key] : one));
    return { ...made.query, parameters };
  };
}
