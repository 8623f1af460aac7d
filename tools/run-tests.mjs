// Runs one set of tests and ends its output in one line: "N passed, N failed".
//   node tools/run-tests.mjs all|quick|conformance|peers [name filter …]
//
// all: everything that needs only Node and npm.   quick: pure steps and contracts, for the inner loop.
// conformance: the corpora alone.                 peers: against real programs and a real browser (apt packages).

import { startVitest } from 'vitest/node';

/** Projects of vitest.config.ts, and of them the folders. */
const SETS = {
  all: { project: ['whole', 'parts'], folders: ['src/', 'tools/', 'ui/', 'test/'] },
  quick: { project: ['parts'], folders: ['src/', 'tools/', 'ui/'] },
  conformance: { project: ['parts'], folders: ['test/conformance/'] },
  peers: { project: ['peers'], folders: ['test/peers/', 'test/browser/'] },
};

const [name = 'all', ...filters] = process.argv.slice(2);
const set = SETS[name];
if (set === undefined) {
  process.stderr.write(`run-tests: no set "${name}": one of ${Object.keys(SETS).join(', ')} expected\n`);
  process.exit(2);
}

const counts = { passed: 0, failed: 0, skipped: 0, slowest: [] };
const startedMs = performance.now();

const reporter = {
  onTestModuleEnd(module) {
    for (const error of module.errors()) report(module.moduleId, error);
    if (module.errors().length > 0) counts.failed += 1;
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors()) {
        counts.failed += 1;
        report(`${module.moduleId} › ${suite.fullName}`, error);
      }
    }
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') counts.passed += 1;
      else if (result.state === 'skipped') {
        counts.skipped += 1;
        console.log(`skipped: ${module.relativeModuleId ?? module.moduleId} › ${test.fullName}`);
      } else {
        counts.failed += 1;
        for (const error of result.errors ?? []) report(`${module.moduleId} › ${test.fullName}`, error);
      }
      const durationMs = test.diagnostic()?.duration ?? 0;
      if (durationMs > 2000) counts.slowest.push([durationMs, test.fullName]);
    }
  },
  onTestRunEnd(_modules, errors) {
    for (const error of errors) {
      counts.failed += 1;
      report('outside of any test', error);
    }
  },
  onUserConsoleLog(log) {
    process.stdout.write(log.content);
  },
};

function report(where, error) {
  process.stdout.write(`\nFAILED ${where}\n${error.stack ?? error.message ?? String(error)}\n`);
  if (error.diff) process.stdout.write(`${error.diff}\n`);
}

const vitest = await startVitest(
  'test',
  set.folders.flatMap(folder => (filters.length > 0 ? filters : [folder])),
  {
    watch: false,
    passWithNoTests: false,
    project: set.project,
    // Everything that is left out must be said: vitest would otherwise drop the reporter's own summary.
    reporters: [reporter],
  },
);
await vitest.close();

for (const [durationMs, test] of counts.slowest.sort((a, b) => b[0] - a[0]).slice(0, 10)) {
  console.log(`slow: ${(durationMs / 1000).toFixed(1)} s ${test}`);
}
console.log(
  `${name}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s on Node ${process.versions.node}`,
);
const nothingRan = counts.passed + counts.failed === 0;
if (nothingRan) console.log(`no test ran in the set "${name}"`);
console.log(
  `${counts.passed} passed, ${counts.failed + (nothingRan ? 1 : 0)} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
);
process.exit(counts.failed > 0 || nothingRan ? 1 : 0);
