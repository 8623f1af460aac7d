// Who may import whom. ARCHITECTURE.md prints the same table; the tidy test holds both to it.

/** Folders below src/ (a stage of collect/ is a folder of its own) → the folders that they may import. */
const LOW = ['base', 'model'];
const MIDDLE = [...LOW, 'exposition', 'template', 'config'];

export const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ['base'],
  exposition: LOW,
  'promql/parser': LOW,
  promql: [...LOW, 'promql/parser'],
  template: LOW,
  storage: LOW,
  interchange: [...LOW, 'exposition'],
  state: LOW,
  config: [...LOW, 'exposition'],
  os: ['base'],
  // Stages: they never import each other. What they share lies in model/ and the folders above.
  discovery: MIDDLE,
  'collect/scrape': MIDDLE,
  'collect/host': MIDDLE,
  'collect/inprocess': MIDDLE,
  'collect/push': MIDDLE,
  rules: MIDDLE,
  alerting: MIDDLE,
  notify: MIDDLE,
  relay: MIDDLE,
  remote: MIDDLE,
  recovery: MIDDLE,
  api: [...MIDDLE, 'promql/parser'],
  app: ['*'],
  cli: ['*'],
};

/** Folders that run in the browser too: no Node module at all. */
export const BROWSER_FOLDERS: readonly string[] = ['base', 'model', 'promql/parser'];

/** What the page may import of src/. */
export const UI_IMPORTS: readonly string[] = [
  'api/contract.ts',
  'api/contract-explain.ts',
  'model',
  'promql/parser',
];

/** Node modules that compute and touch nothing outside the process. */
export const PURE_NODE_MODULES: readonly string[] = [
  'node:buffer',
  'node:crypto',
  'node:zlib',
  'node:util',
  'node:path',
  'node:url',
];

/** Libraries → the only files or folders that may import them. `node:` modules are free inside os/ and cli/main.ts. */
export const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  '@lezer/common': ['promql/parser'],
  '@lezer/lr': ['promql/parser'],
  '@prometheus-io/lezer-promql': ['promql/parser'],
  bcryptjs: ['api/access.ts'],
  fzstd: ['collect/push/body.ts'],
  kysely: ['state'],
  libsql: ['state'],
  nodemailer: ['os'],
  re2js: ['model/regex.ts', 'template/text.ts'],
  'smtp-server': ['os'],
  undici: ['os'],
  yaml: ['config'],
};

/** Files with a Node module that is otherwise kept to os/, each with its reason. */
export const NODE_MODULE_EXCEPTIONS: readonly {
  readonly file: string;
  readonly module: string;
  readonly reason: string;
}[] = [
  {
    file: 'src/state/thread.ts',
    module: 'node:worker_threads',
    reason: 'SQLite runs in a worker of its own',
  },
  { file: 'src/state/worker.ts', module: 'node:worker_threads', reason: 'the other end of that worker' },
];

/** Names that reach outside, and what stands in for each. */
export const BANNED: readonly { readonly name: string; readonly instead: string }[] = [
  { name: 'Date.now', instead: 'Clock.nowMs()' },
  { name: 'new Date()', instead: 'Clock.nowMs()' },
  { name: 'performance.now', instead: 'Clock.monotonicMs()' },
  { name: 'Math.random', instead: 'Random.float()' },
  { name: 'setTimeout', instead: 'Clock.after()' },
  { name: 'setInterval', instead: 'Clock.after()' },
  { name: 'setImmediate', instead: 'Clock.after()' },
  { name: 'fetch', instead: 'Http.request()' },
  { name: 'process', instead: 'an argument handed down from cli/main.ts' },
  { name: 'console', instead: 'Log.log()' },
];

/** Where the banned names are at home. */
export const BANNED_FREE: readonly string[] = ['os', 'cli/main.ts'];
