// How a program becomes one file. Packages stay where they are, and those of which nothing is used are not loaded; but those
// that a start needs go in, since finding them takes Node longer than all the rest. `--mode script` and
// `state`: as a CommonJS script, whose compiled code can be kept (tools/keep-code.mjs).

import { fileURLToPath } from 'node:url';

/** With their terms beside them: tools/prepare.mjs copies the licences. */
export const INSIDE = [
  'kysely',
  'libsql',
  'yaml',
  're2js',
  'bcryptjs',
  'fzstd',
  '@lezer/common',
  '@lezer/lr',
  '@prometheus-io/lezer-promql',
];

const target = fileURLToPath(new URL('libsql-target.mjs', import.meta.url));
const highlight = fileURLToPath(new URL('highlight-target.mjs', import.meta.url));

/** A script with kept code cannot import: V8 keeps no way to who would load it. */
const SCRIPT = {
  format: 'cjs',
  entryFileNames: '[name].cjs',
  codeSplitting: false,
  dynamicImportInCjs: false,
};

/** Nothing but ASCII: with a single other letter V8 would keep the whole source at two bytes a letter, and take as much longer to read it. */
const ASCII = {
  name: 'ascii',
  // Once nobody prints it anew, letters and all.
  generateBundle: (_, bundle) => {
    for (const file of Object.values(bundle))
      if (file.type === 'chunk')
        file.code = file.code.replace(
          /[^\0-\x7f]/g,
          unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
  },
};

export default ({ mode }) => ({
  plugins: mode === 'module' ? [] : [ASCII],
  resolve: { alias: { '@neon-rs/load': target, 'detect-libc': target, '@lezer/highlight': highlight } },
  // Only its thread needs the database.
  ssr: { noExternal: INSIDE.filter(name => name !== 'libsql' || mode === 'state') },
  build: {
    rolldownOptions: {
      treeshake: { moduleSideEffects: 'no-external' },
      ...(mode === 'module' ? {} : { output: SCRIPT }),
    },
  },
});
