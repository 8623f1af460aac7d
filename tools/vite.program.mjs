// How a program becomes one file: packages stay where they are, and those of which nothing is used are not loaded.

export default { build: { rolldownOptions: { treeshake: { moduleSideEffects: 'no-external' } } } };
