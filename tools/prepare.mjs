// Makes a checkout ready: installs the packages and builds, each only when something it depends on has changed.
// Plain JavaScript without dependencies, since it runs before anything is installed.
//   node tools/prepare.mjs [--force-build] [--test]

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INSIDE } from './vite.program.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What the program starts as the thread of the state: a script too, since the loader of modules alone takes a fifth of its start. */
const STATE_THREAD = `require('../../bin/built.cjs').run(require('node:path').join(__dirname, 'worker.cjs'));\n`;
const forced = process.argv.includes('--force-build');

checkNode();
install();
build();

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `Cannot run on Node ${process.versions.node}: 20.19 or newer is needed (install a newer Node, for example from nodejs.org)`,
  );
}

function install() {
  const stamp = join(root, 'node_modules', '.watchkeeper-installed');
  const wanted = hashOf(
    [join(root, 'package.json'), join(root, 'package-lock.json')],
    `${process.platform}-${process.arch}`,
  );
  if (readStamp(stamp) === wanted) return;
  say('installing packages …');
  const npm = process.env.npm_execpath;
  const command = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  run(command[0], [...command[1], 'ci', '--no-audit', '--no-fund'], 'npm ci');
  writeFileSync(stamp, wanted);
}

function build() {
  const stamp = join(root, 'dist', '.watchkeeper-built');
  const inputs = [
    ...filesUnder(join(root, 'src')),
    ...filesUnder(join(root, 'ui')),
    ...[
      'tsconfig.json',
      'tsconfig.build.json',
      'package.json',
      'package-lock.json',
      'tools/prepare.mjs',
      'tools/vite.program.mjs',
      'tools/keep-code.mjs',
      'tools/libsql-target.mjs',
      'tools/highlight-target.mjs',
      'bin/built.cjs',
    ].map(name => join(root, name)),
  ].filter(path => !path.endsWith('.test.ts') && !path.endsWith('.md'));
  // Compiled code fits one version of Node.
  const wanted = hashOf(inputs, `${process.version}-${process.platform}-${process.arch}`);
  if (!forced && readStamp(stamp) === wanted) return;
  say('building …');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run(
    process.execPath,
    [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
    'tsc',
  );
  // Each program into one file each, over what tsc made: hundreds of modules take Node half a second to find.
  // Those that a start waits for are scripts (main.cjs), whose compiled code can be kept: of modules Node 20 keeps none.
  bundle('dist/cli/main.js', 'script');
  bundle('dist/state/worker.js', 'state');
  bundle('dist/app/block-thread.js', 'module');
  writeFileSync(join(root, 'dist', 'state', 'start.cjs'), STATE_THREAD);
  // Of the packages that go in (tools/vite.program.mjs): their terms go where they go.
  mkdirSync(join(root, 'dist', 'licenses'), { recursive: true });
  for (const name of INSIDE)
    copyFileSync(
      join(root, 'node_modules', name, 'LICENSE'),
      join(root, 'dist', 'licenses', `${name.replace('/', '-')}.txt`),
    );
  if (existsSync(join(root, 'ui', 'vite.config.ts'))) {
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    run(
      process.execPath,
      [vite, 'build', 'ui', '--config', 'ui/vite.config.ts', '--logLevel', 'warn'],
      'vite build',
    );
  }
  run(process.execPath, [join('tools', 'keep-code.mjs')], 'keeping compiled code');
  writeFileSync(stamp, wanted);
}

/** Into one file beside the entry: NAME.cjs unless it stays a module. */
function bundle(entry, mode) {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const config = join('tools', 'vite.program.mjs');
  const how = ['--ssr', entry, '--outDir', dirname(entry), '--emptyOutDir', 'false', '--target', 'node20'];
  run(
    process.execPath,
    [vite, 'build', '--config', config, '--mode', mode, ...how, '--minify', 'false', '--logLevel', 'warn'],
    'vite build',
  );
  // It is of the file that stood there before.
  rmSync(join(root, `${entry}.map`), { force: true });
}

function run(program, args, name) {
  const done = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (done.error !== undefined) fail(`Cannot run ${name}: ${done.error.message}`);
  if (done.status !== 0) fail(`Cannot go on: ${name} failed (its own message stands above)`);
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap(name => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? (name === 'node_modules' ? [] : filesUnder(path)) : [path];
    });
}

function hashOf(paths, salt) {
  const hash = createHash('sha256').update(salt);
  for (const path of paths)
    hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function say(text) {
  process.stderr.write(`watchkeeper: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
