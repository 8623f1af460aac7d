// The registry of discovery kinds: a new one is one file and one line here.

import { dnsKind } from './dns/dns.ts';
import { fileKind } from './file/file.ts';
import { httpKind } from './http/http.ts';
import type { DiscoveryKind } from './kind.ts';
import { staticKind } from './static/static.ts';

export const discoveryKinds: readonly DiscoveryKind[] = [staticKind, fileKind, httpKind, dnsKind];
