// Our answers against the description that Prometheus gives of its API: for each route that both have, with the parameters that
// the description itself gives as examples, in both forms of a request, and with mistakes in them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { bench, formOf, jsonOf, readAll } from '../../src/api/testdata/bench.ts';
import type { ServerRequest, ServerResponse } from '../../src/base/index.ts';
import { describeCorpus, reportCases } from '../support/corpora.ts';
import { type Schema, schemaProblems } from '../support/json-schema.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: { readonly type?: string; readonly oneOf?: unknown };
  readonly examples?: Examples;
}

type Examples = Readonly<Record<string, { readonly value: unknown }>>;
type Content = Readonly<Record<string, { readonly schema: Schema; readonly examples?: Examples }>>;

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** What we do not serve yet: a route beyond these is one that is missing. */
const NOT_YET: ReadonlySet<string> = new Set([]);

/** What only an earlier answer gives out: the example of it names nothing. */
const GIVEN_OUT: ReadonlySet<string> = new Set(['group_next_token']);

const JSON_TYPE = 'application/json';
const LINES_TYPE = 'application/x-ndjson';
const FORM_TYPE = 'application/x-www-form-urlencoded';

/** What is wrong with an answer of status 200, by the schema, or by the example where the answer is lines of JSON. */
async function problemsOf(
  response: ServerResponse,
  { responses }: Operation,
  schemas: Readonly<Record<string, Schema>>,
): Promise<string[]> {
  const content = responses['200']?.content ?? {};
  const lines = content[LINES_TYPE];
  if (lines === undefined) {
    const schema = content[JSON_TYPE]?.schema;
    return schema === undefined ? ['no schema'] : schemaProblems(jsonOf(response), schema, schemas);
  }
  if (!String(response.headers['content-type']).startsWith(LINES_TYPE)) return ['not lines of JSON'];
  const example = linesOf(String(Object.values(lines.examples ?? {})[0]?.value));
  const answered = linesOf(await readAll(response));
  const names = (line: Line | undefined): string => Object.keys(line ?? {}).join();
  const [key = ''] = Object.keys(example[0]?.results?.[0] ?? {});
  return [
    ...(names(answered[0]) === names(example[0]) ? [] : [`first line: ${names(answered[0])}`]),
    ...(names(answered.at(-1)) === names(example.at(-1)) ? [] : [`last line: ${names(answered.at(-1))}`]),
    ...(answered[0]?.results?.every(result => key in result) === true ? [] : [`a result without "${key}"`]),
  ];
}

interface Line {
  readonly results?: readonly Readonly<Record<string, unknown>>[];
}

function linesOf(text: string): Line[] {
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Line);
}

/** Parameters with the first example of each: the required ones, or all; the one that is `mistaken` cannot be read. */
function askedOf(
  path: string,
  { parameters = [] }: Operation,
  { all = false, mistaken = '' }: { readonly all?: boolean; readonly mistaken?: string },
): Partial<ServerRequest> {
  const query = new URLSearchParams();
  let filled = path;
  for (const one of parameters) {
    const [example] = Object.values(one.examples ?? {});
    if (one.name === mistaken) query.append(one.name, 'no such thing');
    else if (one.in === 'path') filled = filled.replace(`{${one.name}}`, String(example?.value ?? 'job'));
    else if (example !== undefined && (one.required === true || (all && !GIVEN_OUT.has(one.name))))
      for (const value of [example.value].flat()) query.append(one.name, String(value));
  }
  return { path: `/api/v1${filled}`, query: query.toString() };
}

/** The example of a form as a request. */
function postedOf(path: string, { requestBody }: Operation): Partial<ServerRequest> | undefined {
  const [example] = Object.values(requestBody?.content[FORM_TYPE]?.examples ?? {});
  if (example === undefined) return undefined;
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(example.value as Readonly<Record<string, unknown>>))
    for (const one of [value].flat()) form.append(name, String(one));
  return { path: `/api/v1${path}`, ...formOf(form.toString()) };
}

/** Parameters that not every text can be. */
function choosyOf({ parameters = [] }: Operation): readonly string[] {
  const isChoosy = ({ schema }: Parameter): boolean =>
    schema?.oneOf !== undefined || ['integer', 'boolean'].includes(schema?.type ?? '');
  return parameters.filter(isChoosy).map(({ name }) => name);
}

describeCorpus('prometheus/api', folder => {
  const files = readdirSync(folder).filter(name => name.endsWith('.yaml'));
  let served = 0;
  const missing: string[] = [];

  for (const file of files) {
    const description = parse(readFileSync(join(folder, file), 'utf8')) as Description;
    const { schemas } = description.components;
    describe(file, () => {
      for (const [path, { get, post }] of Object.entries(description.paths)) {
        if (get === undefined) continue;
        it(path, async () => {
          const { ask } = await bench();
          const posted = post === undefined ? undefined : postedOf(path, post);
          const requests: (readonly [Operation, Partial<ServerRequest>])[] = [
            [get, askedOf(path, get, {})],
            [get, askedOf(path, get, { all: true })],
          ];
          if (post !== undefined && posted !== undefined) requests.push([post, posted]);
          for (const [operation, request] of requests) {
            const response = await ask(request);
            if (response.status === 404) {
              missing.push(path);
              expect(NOT_YET, 'routes that are not served yet').toContain(path);
              return;
            }
            served++;
            const about = `${request.method ?? 'GET'} ${path}?${request.query ?? ''}`;
            expect(response.status, about).toBe(200);
            expect(await problemsOf(response, operation, schemas), about).toEqual([]);
          }
        });

        it.each(choosyOf(get))(`${path}: %s that cannot be read`, async mistaken => {
          if (NOT_YET.has(path)) return;
          const { ask } = await bench();
          const response = await ask(askedOf(path, get, { mistaken }));
          expect(response.status).toBe(400);
          expect(schemaProblems(jsonOf(response), schemas['Error'] as Schema, schemas)).toEqual([]);
          served++;
        });
      }

      it('mistakes', async () => {
        const { ask } = await bench();
        for (const path of ['/query', '/query_range', '/series', '/format_query', '/parse_query']) {
          const response = await ask({ path: `/api/v1${path}`, query: 'query=sum(' });
          expect(response.status).toBe(400);
          expect(schemaProblems(jsonOf(response), schemas['Error'] as Schema, schemas)).toEqual([]);
        }
      });
    });
  }

  afterAll(() => {
    reportCases('prometheus/api', { files: files.length, cases: served });
    console.log(`prometheus/api: not served: ${missing.join(', ')}`);
  });
});
