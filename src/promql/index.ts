// promql/: the query language: parser, planner and the engine behind the Query port.

export {
  createQueryEngine,
  DEFAULT_ENGINE_SETTINGS,
  type QueryEngine,
  type QueryEngineDeps,
  type QuerySettings,
} from './engine.ts';
export type { EngineSettings } from './operators/index.ts';
export { type Expr, type ParseProblem, parseExpr, printExpr } from './parser/index.ts';
export { type ActiveLog, openActiveLog } from './running/index.ts';
