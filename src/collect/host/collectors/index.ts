// The registry: every collector of this host, in the order of node_exporter's names.

import type { CollectorKind } from '../kind.ts';
import { arp } from './arp.ts';
import { cpu } from './cpu.ts';
import { cpufreq } from './cpufreq.ts';
import { diskstats } from './diskstats.ts';
import { fibrechannel, infiniband, ipvs } from './fabric.ts';
import { filesystem } from './filesystem.ts';
import { bonding, dmi, edac, nvme, tapestats } from './hardware.ts';
import { hwmon } from './hwmon.ts';
import { loadavg } from './loadavg.ts';
import { mdadm } from './mdadm.ts';
import { meminfo } from './meminfo.ts';
import { netclass } from './netclass.ts';
import { netdev } from './netdev.ts';
import { netstat } from './netstat.ts';
import { nfs, nfsd } from './nfs.ts';
import { os, selinux } from './os.ts';
import {
  portableCpu,
  portableFilesystem,
  portableLoad,
  portableMemory,
  portableName,
  portableTime,
} from './portable.ts';
import { powersupply } from './powersupply.ts';
import { processes } from './processes.ts';
import { rapl } from './rapl.ts';
import { conntrack, entropy, filefd, pressure, schedstat, vmstat } from './small.ts';
import { sockstat } from './sockstat.ts';
import { softnet } from './softnet.ts';
import { stat } from './stat.ts';
import { systemd } from './systemd.ts';
import { textfile } from './textfile.ts';
import { thermalZone } from './thermal_zone.ts';
import { time } from './time.ts';
import { udpQueues } from './udp_queues.ts';
import { uname } from './uname.ts';
import { xfs } from './xfs.ts';
import { zfs } from './zfs.ts';

export const COLLECTORS: readonly CollectorKind[] = [
  arp,
  bonding,
  conntrack,
  cpu,
  cpufreq,
  diskstats,
  dmi,
  edac,
  entropy,
  fibrechannel,
  filefd,
  filesystem,
  hwmon,
  infiniband,
  ipvs,
  loadavg,
  mdadm,
  meminfo,
  netclass,
  netdev,
  netstat,
  nfs,
  nfsd,
  nvme,
  os,
  powersupply,
  pressure,
  processes,
  rapl,
  schedstat,
  selinux,
  sockstat,
  softnet,
  stat,
  systemd,
  tapestats,
  textfile,
  thermalZone,
  time,
  udpQueues,
  uname,
  vmstat,
  xfs,
  zfs,
  // Where there is no /proc.
  portableCpu,
  portableFilesystem,
  portableLoad,
  portableMemory,
  portableName,
  portableTime,
];
