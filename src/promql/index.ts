// promql/: the query language: parser, planner and the engine behind the Query port.

export { createQueryEngine, DEFAULT_ENGINE_SETTINGS, type QueryEngineDeps } from './engine.ts';
export type { EngineSettings } from './operators/index.ts';
export { type Expr, type ParseProblem, parseExpr, printExpr } from './parser/index.ts';
