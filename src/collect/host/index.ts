// collect/host/: this machine's own metrics under node_exporter's names.

export { createHostCollector, type HostCollector, type HostPorts } from './collector.ts';
export { COLLECTORS } from './collectors/index.ts';
export type { CpuTimes, HostFacts } from './facts.ts';
export type { Collect, CollectorKind, Host, Outcome } from './kind.ts';
export { HOST_DEFAULTS, type HostSettings } from './settings.ts';
