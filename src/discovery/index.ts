// discovery/: what to scrape.

export { parseGroups } from './groups.ts';
export type { DiscoveryKind, DiscoveryPorts, RunningDiscovery, TargetGroup } from './kind.ts';
export { discoveryKinds } from './kinds.ts';
export { type DroppedTarget, type ResolvedTargets, resolveTargets, type TargetDefaults } from './resolve.ts';
export { createDiscovery, type Discovery, type DiscoveryEntry } from './runner.ts';
export { type StaticSettings, staticGroup } from './static/static.ts';
