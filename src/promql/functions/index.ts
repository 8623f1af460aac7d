// promql/functions: the functions of the language, one file a group, and their registry.

export type { CallInput, FunctionImpl } from './call.ts';
export { FUNCTIONS } from './registry.ts';
