// promql/running/: what stands around the evaluation of queries: who may run, what each holds, what is remembered of it.

export { type ActiveLog, openActiveLog } from './active-log.ts';
export { MemoryAccount, MemoryBudget, memoryFailure } from './memory.ts';
export { enterRead, type ReadingDeps } from './reading.ts';
export { Supervisor, type SupervisorSettings, type Ticket } from './supervisor.ts';
