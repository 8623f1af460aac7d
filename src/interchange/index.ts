// interchange/: the history of other programs into a store, and that of a store into their files.

export type { Damage } from './failure.ts';
export { Ledger } from './ledger.ts';
export { importOpenMetrics, type OpenMetricsFailure, type OpenMetricsReport } from './openmetrics.ts';
export type { HistoryStore } from './ports.ts';
export {
  type ExportFailure,
  type ExportReport,
  exportPrometheus,
} from './prometheus/export.ts';
export { findBlocks, type Holder, holderOf } from './prometheus/folder.ts';
export {
  type ImportFailure,
  type ImportReport,
  importPrometheus,
} from './prometheus/import.ts';
export type { Selection } from './prometheus/selection.ts';
export { exportText, type TextExportOptions, type TextExportReport } from './text-export.ts';
