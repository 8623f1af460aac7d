// discovery/: what to scrape.

export type { DiscoveryKind, DiscoveryPorts, RunningDiscovery, TargetGroup } from './kind.ts';
export { discoveryKinds } from './kinds.ts';
export { type DroppedTarget, type ResolvedTargets, resolveTargets, type TargetDefaults } from './resolve.ts';
export { type StaticSettings, staticGroup } from './static/static.ts';
