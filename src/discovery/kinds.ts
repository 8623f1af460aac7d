// The registry of discovery kinds: a new one is one file and one line here.

import type { DiscoveryKind } from './kind.ts';
import { staticKind } from './static/static.ts';

export const discoveryKinds: readonly DiscoveryKind[] = [staticKind];
