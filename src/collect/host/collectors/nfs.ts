// nfs and nfsd: calls that the NFS client made and the NFS server served.

import { absent, type CollectorKind, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { lines, uint, words } from '../text.ts';

const METHODS_2 = (
  'Null GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink MkDir RmDir ' +
  'ReadDir FsStat'
).split(' ');

const METHODS_3 = (
  'Null GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir Rename Link ' +
  'ReadDir ReadDirPlus FsStat FsInfo PathConf Commit'
).split(' ');

/** In the order of the kernel's client; later ones came with later kernels. */
const CLIENT_METHODS_4 = (
  'Null Read Write Commit Open OpenConfirm OpenNoattr OpenDowngrade Close Setattr FsInfo Renew SetClientID ' +
  'SetClientIDConfirm Lock Lockt Locku Access Getattr Lookup LookupRoot Remove Rename Link Symlink Create Pathconf ' +
  'StatFs ReadLink ReadDir ServerCaps DelegReturn GetACL SetACL FsLocations ReleaseLockowner Secinfo FsidPresent ' +
  'ExchangeID CreateSession DestroySession Sequence GetLeaseTime ReclaimComplete GetDeviceInfo LayoutGet ' +
  'LayoutCommit LayoutReturn SecinfoNoName TestStateID FreeStateID GetDeviceList BindConnToSession DestroyClientID ' +
  'Seek Allocate DeAllocate LayoutStats Clone'
).split(' ');

/** Operations by their number in the protocol from 3 (ACCESS) on; "-" where node_exporter has no metric. */
const SERVER_METHODS_4 = (
  'Access Close Commit Create DelegPurge DelegReturn GetAttr GetFH Link Lock Lockt Locku Lookup LookupRoot Nverify ' +
  'Open OpenAttr OpenConfirm OpenDgrd PutFH - - Read ReadDir ReadLink Remove Rename Renew RestoreFH ' +
  'SaveFH SecInfo SetAttr SetClientID SetClientIDConfirm Verify Write RelLockOwner'
).split(' ');
const SERVER_OPERATION_FIRST = 3;

/** Numbers by the word that begins a line; a count of columns that follows "procN" is left out. */
export function parseRpc(text: string): ReadonlyMap<string, readonly number[]> {
  const byName = new Map<string, readonly number[]>();
  for (const line of lines(text)) {
    const [name = '', ...rest] = words(line);
    const numbers = rest.map(word => uint(word) ?? 0);
    byName.set(name, name.startsWith('proc') ? numbers.slice(1) : numbers);
  }
  return byName;
}

interface Requests {
  readonly metric: string;
  readonly help: string;
  readonly proto: string;
  readonly methods: readonly string[];
  readonly counts: readonly number[];
}

function addRequests(page: Page, requests: Requests): void {
  requests.methods.forEach((method, i) => {
    if (method === '-') return;
    // A kernel that does not know a method yet has not counted it.
    page.counter(requests.metric, requests.help, requests.counts[i] ?? 0, { proto: requests.proto, method });
  });
}

export const nfs: CollectorKind = {
  name: 'nfs',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.text(host.proc('net/rpc/nfs'));
    if (text === undefined) return absent('no NFS client');
    const found = parseRpc(text);
    const [, udp = 0, tcp = 0, connections = 0] = found.get('net') ?? [];
    page.counter('node_nfs_packets_total', 'Packets sent by protocol.', udp, { protocol: 'udp' });
    page.counter('node_nfs_packets_total', 'Packets sent by protocol.', tcp, { protocol: 'tcp' });
    page.counter('node_nfs_connections_total', 'TCP connections made.', connections);
    const [calls = 0, retransmissions = 0, refreshes = 0] = found.get('rpc') ?? [];
    page.counter('node_nfs_rpcs_total', 'Calls made.', calls);
    page.counter('node_nfs_rpc_retransmissions_total', 'Calls sent again.', retransmissions);
    page.counter('node_nfs_rpc_authentication_refreshes_total', 'Credentials renewed.', refreshes);
    const of = { metric: 'node_nfs_requests_total', help: 'Procedures called.' };
    addRequests(page, { ...of, proto: '2', methods: METHODS_2, counts: found.get('proc2') ?? [] });
    addRequests(page, { ...of, proto: '3', methods: METHODS_3, counts: found.get('proc3') ?? [] });
    addRequests(page, { ...of, proto: '4', methods: CLIENT_METHODS_4, counts: found.get('proc4') ?? [] });
    return OK;
  },
};

export const nfsd: CollectorKind = {
  name: 'nfsd',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.text(host.proc('net/rpc/nfsd'));
    if (text === undefined) return absent('no NFS server');
    const found = parseRpc(text);
    addServer(page, found);
    const of = { metric: 'node_nfsd_requests_total', help: 'Procedures served.' };
    const withoutNull = (name: string): readonly number[] => (found.get(name) ?? []).slice(1);
    addRequests(page, { ...of, proto: '2', methods: METHODS_2.slice(1), counts: withoutNull('proc2') });
    addRequests(page, { ...of, proto: '3', methods: METHODS_3.slice(1), counts: withoutNull('proc3') });
    const operations = (found.get('proc4ops') ?? []).slice(SERVER_OPERATION_FIRST);
    addRequests(page, { ...of, proto: '4', methods: SERVER_METHODS_4, counts: operations });
    const delegations = found.get('wdeleg_getattr')?.[0];
    page.counter(of.metric, of.help, delegations, { proto: '4', method: 'WdelegGetattr' });
    return OK;
  },
};

/** Column of the read-ahead line after the cache's size and its ten depths. */
const READ_AHEAD_NOT_FOUND = 11;

function addServer(page: Page, found: ReadonlyMap<string, readonly number[]>): void {
  const at = (name: string, column: number): number => found.get(name)?.[column] ?? 0;
  page.counter('node_nfsd_reply_cache_hits_total', 'Answers found in the reply cache.', at('rc', 0));
  page.counter('node_nfsd_reply_cache_misses_total', 'Answers not found in the reply cache.', at('rc', 1));
  page.counter('node_nfsd_reply_cache_nocache_total', 'Answers that are not cached.', at('rc', 2));
  page.counter('node_nfsd_file_handles_stale_total', 'Stale file handles.', at('fh', 0));
  page.counter('node_nfsd_disk_bytes_read_total', 'Bytes read.', at('io', 0));
  page.counter('node_nfsd_disk_bytes_written_total', 'Bytes written.', at('io', 1));
  page.gauge('node_nfsd_server_threads', 'Threads of the server.', at('th', 0));
  page.gauge('node_nfsd_read_ahead_cache_size_blocks', 'Size of the read-ahead cache.', at('ra', 0));
  const notFound = at('ra', READ_AHEAD_NOT_FOUND);
  page.counter('node_nfsd_read_ahead_cache_not_found_total', 'Blocks not in the read-ahead cache.', notFound);
  page.counter('node_nfsd_packets_total', 'Packets received by protocol.', at('net', 1), { proto: 'udp' });
  page.counter('node_nfsd_packets_total', 'Packets received by protocol.', at('net', 2), { proto: 'tcp' });
  page.counter('node_nfsd_connections_total', 'TCP connections accepted.', at('net', 3));
  page.counter('node_nfsd_server_rpcs_total', 'Calls served.', at('rpc', 0));
  const errors = 'Calls refused by kind of error.';
  page.counter('node_nfsd_rpc_errors_total', errors, at('rpc', 2), { error: 'fmt' });
  page.counter('node_nfsd_rpc_errors_total', errors, at('rpc', 3), { error: 'auth' });
  page.counter('node_nfsd_rpc_errors_total', errors, at('rpc', 4), { error: 'cInt' });
}
