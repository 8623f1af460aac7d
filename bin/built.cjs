// Runs a built file, with the compiled code that the build has kept beside it: to compile it anew takes Node longer than
// all else of a start. Plain JavaScript without dependencies, since nothing else is loaded yet.
// What is kept (NAME.kept) is one line and what V8 gave (`createCachedData` of vm.Script):
//   watchkeeper-kept 1 NODE-VERSION PLATFORM-ARCHITECTURE CRC-32-OF-THE-SOURCE CRC-32-OF-THE-REST, blanks up to 128 bytes
// Where it is missing, damaged, of another source, Node or set of V8's flags it is passed over: the start takes longer then, and
// nothing else changes.
'use strict';

const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { availableParallelism } = require('node:os');
const { dirname } = require('node:path');
const { Script } = require('node:vm');
const { crc32 } = require('node:zlib');

const HEAD_BYTES = 128;

/** The first line of the kept code of a source. V8 checks its own version and flags, of the source only the length. */
function headOf(source, code) {
  const words = [
    'watchkeeper-kept',
    1,
    process.version,
    `${process.platform}-${process.arch}`,
    crc32(source),
    crc32(code),
  ];
  return `${words.join(' ').padEnd(HEAD_BYTES - 1)}\n`;
}

function keptFor(path, source) {
  try {
    const bytes = readFileSync(path);
    const code = bytes.subarray(HEAD_BYTES);
    return bytes.toString('latin1', 0, HEAD_BYTES) === headOf(source, code) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** `isKept`: nothing needed compiling. The file must not `import()`, which V8 keeps no way for: `require` it is. */
function compile(path, kept = `${path}.kept`) {
  const source = readFileSync(path);
  const cachedData = keptFor(kept, source);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) { ${source}\n})`, {
    filename: path,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  return { source, script, isKept: cachedData !== undefined && script.cachedDataRejected === false };
}

/** As `require(path)` would, which keeps no code. */
function run(path, { script } = compile(path), load = createRequire(path)) {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, load, module, path, dirname(path));
  return module.exports;
}

/**
 * Flags of V8 for the process while it starts. With little inlined, optimizing takes half the time, and what is optimized then runs
 * for some tenths of a second only (src/os/heap.ts sets it back). For good: with one core, threads that collect the young generation
 * together only wait for each other.
 */
function startFlags(cores) {
  return ['--max-inlined-bytecode-size=60', ...(cores === 1 ? ['--no-parallel-scavenge'] : [])];
}

/** Code fits the flags it was kept under: of a thread, which is started when these are set, there are two kinds. */
function keptForThread(path, cores = availableParallelism()) {
  return cores === 1 ? `${path}.kept-alone` : `${path}.kept`;
}

module.exports = { compile, headOf, keptForThread, run, startFlags };
