// Runs a built file, with the compiled code that the build has kept beside it: to compile it anew takes Node longer than
// all else of a start. Plain JavaScript without dependencies, since nothing else is loaded yet.
// What is kept (NAME.kept) is one line and what V8 gave (`createCachedData` of vm.Script):
//   watchkeeper-kept 1 NODE-VERSION PLATFORM-ARCHITECTURE CRC-32-OF-THE-SOURCE CRC-32-OF-THE-REST, blanks up to 128 bytes
// Where it is missing, damaged, of another source, Node or set of V8's flags it is passed over: the start takes longer then, and
// nothing else changes.
'use strict';

const { isAscii } = require('node:buffer');
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname } = require('node:path');
const { Script } = require('node:vm');
const { crc32 } = require('node:zlib');

const HEAD_BYTES = 128;
const BEGIN = '(function (exports, require, module, __filename, __dirname) { ';
const END = '\n})';

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
    const bytes = readFileSync(`${path}.kept`);
    const code = bytes.subarray(HEAD_BYTES);
    return bytes.toString('latin1', 0, HEAD_BYTES) === headOf(source, code) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** One byte a letter, outside of V8's heap, where that is enough: it stays as long as the program. */
function textOf(source) {
  const whole = Buffer.concat([Buffer.from(BEGIN), source, Buffer.from(END)]);
  return whole.toString(isAscii(source) ? 'latin1' : 'utf8');
}

/** `isKept`: nothing needed compiling. The file must not `import()`, which V8 keeps no way for: `require` it is. */
function compile(path) {
  const source = readFileSync(path);
  const cachedData = keptFor(path, source);
  const script = new Script(textOf(source), {
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

module.exports = { compile, headOf, run };
