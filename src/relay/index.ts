// relay/: alerts of the rules to Alertmanagers elsewhere.

export type { FoundGroup } from './endpoints.ts';
export type { LoopHealth } from './loop.ts';
export { createRelay, type Relay, type RelayPorts, type RelayStatus } from './runner.ts';
export type { RelaySet, RelaySettings } from './settings.ts';
