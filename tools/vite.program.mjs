// How a program becomes one file. Packages stay where they are, and those of which nothing is used are not loaded; but two
// that are a hundred modules each go in, since finding these takes Node longer than all the rest.

export default {
  ssr: { noExternal: ['kysely', 'yaml'] },
  build: { rolldownOptions: { treeshake: { moduleSideEffects: 'no-external' } } },
};
