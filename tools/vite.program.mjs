// How a program becomes one file. Packages stay where they are, and those of which nothing is used are not loaded; but those
// that a start needs go in, since finding them takes Node longer than all the rest. `--mode script`: as a CommonJS script, whose
// compiled code can be kept (tools/keep-code.mjs).

/** With their terms beside them: tools/prepare.mjs copies the licences. */
export const INSIDE = [
  'kysely',
  'yaml',
  're2js',
  'bcryptjs',
  'fzstd',
  '@lezer/common',
  '@lezer/lr',
  '@prometheus-io/lezer-promql',
];

export default ({ mode }) => ({
  ssr: { noExternal: INSIDE },
  build: {
    rolldownOptions: {
      treeshake: { moduleSideEffects: 'no-external' },
      ...(mode === 'script'
        ? { output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false } }
        : {}),
    },
  },
});
