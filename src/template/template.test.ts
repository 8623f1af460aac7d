// Go's text/template as its documentation says: text in, text or error out.

import { describe, expect, it } from 'vitest';
import { labelsFrom } from '../model/index.ts';
import {
  alertmanagerFunctions,
  expandTemplate,
  goStruct,
  goTimeFromMs,
  kv,
  notificationData,
  parseTemplate,
  parseTemplateFiles,
  prometheusFunctions,
  type Value,
} from './index.ts';

const FUNCTIONS = new Map([
  ...prometheusFunctions({ externalUrl: 'http://w/p' }),
  ...alertmanagerFunctions(),
]);
const DATA: Value = {
  Name: 'x',
  Empty: '',
  List: ['a', 'b', 'c'],
  Numbers: [1n, 2n, 3n],
  Float: 1.5,
  Int: 7n,
  Map: new Map([
    ['b', '2'],
    ['a', '1'],
  ]),
  Nested: { Deep: { Er: 'found' } },
  Struct: goStruct('demo.T', { A: 'one', B: 2n }),
  Html: '<a & b>',
};

function expand(text: string, more: { readonly html?: boolean; readonly missingKey?: 'error' } = {}): string {
  const result = expandTemplate(text, DATA, { functions: FUNCTIONS, nowMs: 0, name: 't', ...more });
  return result.ok ? result.value : `error ${result.error.line}:${result.error.column} ${result.error.cause}`;
}

const CASES: Readonly<Record<string, readonly (readonly [template: string, output: string])[]>> = {
  'text, trimming and comments': [
    ['plain', 'plain'],
    ['a {{- " b " -}} c', 'a b c'],
    ['a  \n {{- /* gone */ -}} \n b', 'ab'],
    ['{{/* a }} b */}}x', 'x'],
    ['{{"}}"}}', '}}'],
    ['{{ -3 }} {{- 4}}', '-34'],
  ],
  'fields, chains and variables': [
    ['{{.Name}}{{.Nested.Deep.Er}}', 'xfound'],
    ['{{(.Nested).Deep.Er}}', 'found'],
    ['{{$x := .Nested}}{{$x.Deep.Er}}', 'found'],
    ['{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}', '2'],
    ['{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}', '1'],
    ['{{with .Nested}}{{$.Name}}{{.Deep.Er}}{{end}}', 'xfound'],
    ['{{.Missing}}|{{.Map.missing}}|{{.Map.a}}', '<no value>||1'],
    ['{{.Struct.A}}{{.Struct.C}}', "error 1:16 can't evaluate field C in type demo.T"],
    ['{{.Missing.More}}', 'error 1:3 nil pointer evaluating interface {}.More'],
  ],
  control: [
    ['{{if .Empty}}a{{else if .Name}}b{{else}}c{{end}}', 'b'],
    ['{{if not .Empty}}{{if eq .Name "y" "x"}}yes{{end}}{{end}}', 'yes'],
    ['{{with .Empty}}a{{else}}b{{end}}{{with .Empty}}a{{else with .Name}}{{.}}{{end}}', 'bx'],
    ['{{range .List}}{{.}}{{end}}{{range .Empty}}{{end}}', "error 1:36 range can't iterate over "],
    ['{{range $i, $e := .List}}{{$i}}{{$e}}{{end}}', '0a1b2c'],
    ['{{range $k, $v := .Map}}{{$k}}={{$v}} {{end}}', 'a=1 b=2 '],
    ['{{range 3}}{{.}}{{end}}{{range .Nope}}x{{else}}none{{end}}', '012none'],
    ['{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', 'ac'],
    ['{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', 'a'],
    ['{{define "t"}}<{{.}}>{{end}}{{template "t" .Name}}{{template "t"}}', '<x><<no value>>'],
    ['{{block "b" .List}}{{len .}}{{end}}', '3'],
  ],
  functions: [
    ['{{and 1 0 2}} {{or 0 "" "z"}} {{and true (or false true)}}', '0 z true'],
    ['{{or .Name (index .List 99)}}', 'x'],
    ['{{lt 1 2}}{{ge "b" "a"}}{{ne 1.5 1.5}}', 'truetruefalse'],
    ['{{eq 1 1.0}}', 'error 1:3 error calling eq: incompatible types for comparison'],
    ['{{index .List 1}}{{index .Map "a"}}{{index .Nested "Deep" "Er"}}', 'b1found'],
    ['{{slice .List 1 2}}{{slice "hello" 1 3}}', '[b]el'],
    ['{{len .Map}}{{len "äb"}}', '23'],
    ['{{print 1 2 "a" 3}}{{println 1 "b"}}', '1 2a31 b\n'],
    ['{{html .Html}} {{js "it\'s"}} {{urlquery "a b&c"}}', "&lt;a &amp; b&gt; it\\'s a+b%26c"],
    ['{{.Name | printf "%s-%s" "y"}}', 'y-x'],
    ['{{toUpper 5}}', 'error 1:3 wrong type for value; expected string; got int'],
    ['{{toUpper}}', 'error 1:3 wrong number of args for toUpper: want 1 got 0'],
    ['{{tmpl "t" 5}}{{define "t"}}[{{.}}]{{end}}', '[5]'],
  ],
  'values as Go prints them': [
    ['{{.Map}} {{.List}} {{.Nested}} {{.Struct}}', 'map[a:1 b:2] [a b c] map[Deep:map[Er:found]] {one 2}'],
    ['{{1000000.0}} {{123456789.0}} {{0.00001}} {{1.0}} {{100000.0}}', '1e+06 1.23456789e+08 1e-05 1 100000'],
    ["{{1000000}} {{0x10}} {{1e3}} {{'a'}} {{1_000}}", '1000000 16 1000 97 1000'],
  ],
  printf: [
    [
      '{{printf "%d|%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U" 42 42 42 42 42 255 255 8 5 97 97}}',
      '42|   42|42   |00042|+42|ff|FF|10|101|a|U+0061',
    ],
    [
      '{{printf "%.2f|%8.3f|%-8.1f|%08.2f|%e|%g|%.3g" 3.14159 3.14159 3.14159 3.14159 314.159 1e21 314.159}}',
      '3.14|   3.142|3.1     |00003.14|3.141590e+02|1e+21|314',
    ],
    [
      '{{printf "%s|%10s|%-10s|%q|%.2s|%x" "go" "go" "go" "g\\"o" "gopher" "go"}}',
      'go|        go|go        |"g\\"o"|go|676f',
    ],
    ['{{printf "%v %t %%" .List true}}', '[a b c] true %'],
    [
      '{{printf "%d" "x"}} {{printf "%s" 5}} {{printf "%d"}} {{printf "%d" 1 2}}',
      '%!d(string=x) %!s(int=5) %!d(MISSING) 1%!(EXTRA int=2)',
    ],
    ['{{printf "%[2]d %[1]d" 1 2}} {{printf "%*d" 5 1}}', '2 1     1'],
    ['{{printf "%T %T" 1 1.5}}', 'int float64'],
  ],
  'errors of parsing': [
    ['{{', 'error 1:1 unclosed action'],
    ['a\n{{if}}{{end}}', 'error 2:5 missing value for if'],
    ['{{if true}}', 'error 1:12 unexpected EOF'],
    ['{{end}}', 'error 1:3 unexpected {{end}}'],
    ['{{nope}}', 'error 1:3 function "nope" not defined'],
    ['{{$x}}', 'error 1:3 undefined variable "$x"'],
    ['{{break}}', 'error 1:1 {{break}} outside {{range}}'],
    ['{{"a}}', 'error 1:3 unterminated quoted string'],
    ['{{(1}}', 'error 1:5 unclosed left paren'],
    ['{{1 | 2}}', 'error 1:7 non executable command in pipeline stage 2'],
    ['{{/* a', 'error 1:1 unclosed comment'],
  ],
};

for (const [name, cases] of Object.entries(CASES)) {
  describe(name, () => {
    for (const [template, output] of cases) it(template, () => expect(expand(template)).toBe(output));
  });
}

it('missing keys can be errors', () => {
  expect(expand('{{.Map.zz}}', { missingKey: 'error' })).toBe('error 1:3 nil data; no entry for key "zz"');
});

describe('HTML mode escapes by context', () => {
  const cases: readonly (readonly [template: string, output: string])[] = [
    ['<p title="{{.Html}}">{{.Html}}</p>', '<p title="&lt;a &amp; b&gt;">&lt;a &amp; b&gt;</p>'],
    ['<a href="{{"javascript:alert(1)"}}">', '<a href="#ZgotmplZ">'],
    ['<a href="{{"https://x/?a=b c"}}">', '<a href="https://x/?a=b%20c">'],
    ['<script>var x = {{.Html}};</script>', '<script>var x = "\\u003Ca \\u0026 b\\u003E";</script>'],
    ['<p style="color: {{"red"}}">{{"<b>" | safeHtml}}', '<p style="color: red"><b>'],
    ['<p>{{"a+b"}} {{html "a+b"}}<title>{{"a+b"}}', '<p>a&#43;b a&#43;b<title>a&#43;b'],
    ['<!-- {{.Html}} --><a b={{"x y"}}>', '<!--  --><a b=x&#32;y>'],
  ];
  for (const [template, output] of cases) {
    it(template, () => expect(expand(template, { html: true })).toBe(output));
  }
});

it('dates are written in the zone asked for', () => {
  const data = goTimeFromMs(Date.UTC(2026, 6, 1, 22, 5, 9));
  const format = (text: string): unknown =>
    expandTemplate(text, data, { functions: FUNCTIONS, nowMs: Date.UTC(2026, 6, 1, 23, 5, 9) });
  expect(format('{{ . | tz "Europe/Berlin" | date "Mon, 2 Jan 2006 15:04:05 -0700 MST" }}')).toEqual({
    ok: true,
    value: 'Thu, 2 Jul 2026 00:05:09 +0200 CEST',
  });
  expect(format('{{ .Format "3:04PM 02/01/06" }} {{ since . }} {{ .Unix }}')).toEqual({
    ok: true,
    value: '10:05PM 01/07/26 1h0m0s 1782943509',
  });
});

it('notification data has the methods of Alertmanager', () => {
  const labels = labelsFrom({ zone: 'z', alertname: 'A', job: 'j' });
  const data = notificationData({
    receiver: 'r',
    status: 'firing',
    alerts: [
      { status: 'firing', labels, annotations: labels, startsAtMs: 0, generatorUrl: 'g', fingerprint: 'f' },
      { status: 'resolved', labels, startsAtMs: 0, endsAtMs: 1, generatorUrl: 'g', fingerprint: 'f' },
    ],
    groupLabels: labels,
    commonLabels: labels,
    commonAnnotations: labelsFrom({}),
    externalUrl: 'http://w',
  });
  const text =
    '{{ .Alerts.Firing | len }}/{{ len .Alerts }} {{ .GroupLabels.SortedPairs.Names }} {{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }} {{ .CommonLabels.Remove (stringSlice "zone") }} {{ (index .Alerts 0).StartsAt }}';
  expect(expandTemplate(text, data, { functions: FUNCTIONS, nowMs: 0 })).toEqual({
    ok: true,
    value:
      '1/2 [alertname job zone] alertname=A;job=j;zone=z; alertname=A, job=j 1970-01-01 00:00:00 +0000 UTC',
  });
  expect(expandTemplate('{{ . }}', kv(labels), { functions: FUNCTIONS, nowMs: 0 })).toMatchObject({
    ok: true,
  });
});

it('templates of other files can be called, and errors in them name their file', () => {
  const files = parseTemplateFiles(
    [{ name: 'a.tmpl', text: '{{define "x"}}\n{{ .Nope.More }}{{end}}' }],
    FUNCTIONS,
  );
  if (!files.ok) throw new Error(files.error.message);
  const result = expandTemplate('{{template "x" .}}', DATA, {
    functions: FUNCTIONS,
    nowMs: 0,
    templates: files.value,
  });
  expect(result).toMatchObject({ ok: false, error: { source: 'a.tmpl', line: 2, column: 4 } });
});

describe('limits', () => {
  const bombs: Readonly<Record<string, string>> = {
    'endless recursion': '{{define "r"}}{{template "r" .}}{{end}}{{template "r" .}}',
    'endless loop': '{{range 99999999999}}{{end}}',
    'doubling text': `{{$x := "aaaaaaaaaaaaaaaa"}}${'{{$x = print $x $x}}'.repeat(60)}{{$x}}`,
    'doubling lists': `{{$x := list 1 2}}${'{{$x = list $x $x}}'.repeat(40)}{{$x}}`,
    'long output': '{{range 1000000}}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{{end}}',
  };
  for (const [name, text] of Object.entries(bombs)) {
    it(`${name} ends with an error or bounded output`, () => {
      const result = expandTemplate(text, {}, { functions: FUNCTIONS, nowMs: 0 });
      if (result.ok) expect(result.value.length).toBeLessThanOrEqual(4 * 1024 * 1024);
      else expect(result.error.code).toBe('template-limit');
    });
  }
  it('deep nesting of the text is refused', () => {
    const text = '{{if true}}'.repeat(5000) + '{{end}}'.repeat(5000);
    expect(parseTemplate(text, { functions: FUNCTIONS })).toMatchObject({ ok: false });
    expect(
      parseTemplate(`{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`, { functions: FUNCTIONS }),
    ).toMatchObject({
      ok: false,
    });
  });
});
