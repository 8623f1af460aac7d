// What can be set about the host collector, with node_exporter's defaults.

export interface HostSettings {
  readonly procfs: string;
  readonly sysfs: string;
  /** Put before mount points and /etc paths, "" or "/" on the host itself; "/host" in a container. */
  readonly rootfs: string;
  readonly udevData: string;
  /** Collectors switched on beside the default ones, by node_exporter's names. */
  readonly enable: readonly string[];
  readonly disable: readonly string[];
  /** Of one collector; what takes longer counts as failed in this collection. */
  readonly collectorTimeoutMs: number;
  readonly textfileFolder: string;
  readonly cpuGuest: boolean;
  readonly cpuInfo: boolean;
  /** Patterns below are RE2, found anywhere in the text as in node_exporter; "" matches nothing. */
  readonly cpuFlagsInclude: string;
  readonly cpuBugsInclude: string;
  readonly softirq: boolean;
  readonly mountPointsExclude: string;
  readonly fsTypesExclude: string;
  readonly diskDevicesExclude: string;
  readonly netDevicesInclude: string;
  readonly netDevicesExclude: string;
  readonly netclassDevicesExclude: string;
  readonly netclassIgnoreInvalidSpeed: boolean;
  readonly arpDevicesExclude: string;
  readonly netstatFields: string;
  readonly vmstatFields: string;
  readonly powerSuppliesExclude: string;
  readonly hwmonChipsInclude: string;
  readonly systemdUnitsInclude: string;
  readonly systemdUnitsExclude: string;
}

export const HOST_DEFAULTS: HostSettings = {
  procfs: '/proc',
  sysfs: '/sys',
  rootfs: '/',
  udevData: '/run/udev/data',
  enable: [],
  disable: [],
  // node_exporter has none; a scrape's own default limit is 10 s, and one stuck mount must not cost the page.
  collectorTimeoutMs: 5000,
  textfileFolder: '',
  cpuGuest: true,
  cpuInfo: false,
  cpuFlagsInclude: '',
  cpuBugsInclude: '',
  softirq: false,
  mountPointsExclude:
    '^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)',
  fsTypesExclude:
    '^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|' +
    'overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$',
  diskDevicesExclude: '^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$',
  netDevicesInclude: '',
  netDevicesExclude: '',
  netclassDevicesExclude: '^$',
  netclassIgnoreInvalidSpeed: false,
  arpDevicesExclude: '',
  netstatFields:
    '^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|' +
    'TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|' +
    'Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|' +
    'Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$',
  vmstatFields: '^(oom_kill|pgpg|pswp|pg.*fault).*',
  powerSuppliesExclude: '^$',
  hwmonChipsInclude: '',
  systemdUnitsInclude: '.+',
  systemdUnitsExclude: '.+\\.(automount|device|mount|scope|slice)',
};
