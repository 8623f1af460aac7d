// The collectors' parsers on their own: what they make of good text, and that no text throws.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArp } from './collectors/arp.ts';
import { keepRising, parseCpuInfo, parseCpuLines, parseCpuList } from './collectors/cpu.ts';
import { parseDiskstats, parseUdev } from './collectors/diskstats.ts';
import { parseEndpoint, parseIpvs, parseRate } from './collectors/fabric.ts';
import { parseMountinfo, parseMounts } from './collectors/filesystem.ts';
import { dimmLabel } from './collectors/hardware.ts';
import { cleanName, sensorFile } from './collectors/hwmon.ts';
import { parseLoadavg } from './collectors/loadavg.ts';
import { parseMdstat } from './collectors/mdadm.ts';
import { parseMeminfo } from './collectors/meminfo.ts';
import { adminState, speedBytes } from './collectors/netclass.ts';
import { parseNetDev } from './collectors/netdev.ts';
import { parseNetstat, parseSnmp6 } from './collectors/netstat.ts';
import { parseRpc } from './collectors/nfs.ts';
import { parseOsRelease } from './collectors/os.ts';
import { powerMetric } from './collectors/powersupply.ts';
import { parseProcessStat } from './collectors/processes.ts';
import { zoneName } from './collectors/rapl.ts';
import { parseConntrackStat, parsePressure, parseSchedstat, parseVmstat } from './collectors/small.ts';
import { pageBytes, parseSockstat } from './collectors/sockstat.ts';
import { parseSoftnet } from './collectors/softnet.ts';
import { parseStat } from './collectors/stat.ts';
import { parseShow } from './collectors/systemd.ts';
import { parseTextfile } from './collectors/textfile.ts';
import { parseUdp } from './collectors/udp_queues.ts';
import { parseXfs } from './collectors/xfs.ts';
import { datasetName, parseKstat, parsePoolIo } from './collectors/zfs.ts';
import { linkTarget } from './files.ts';

/** Maps as objects, so that a difference is readable. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [key, plain(one)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

const CASES: readonly (readonly [what: string, got: unknown, expected: unknown])[] = [
  ['meminfo: bytes where there is a unit', parseMeminfo('MemTotal: 2 kB\nActive(anon): 3 kB\nHugePages_Free: 4\n'), [['MemTotal_bytes', 2048], ['Active_anon_bytes', 3072], ['HugePages_Free', 4]]],
  ['meminfo: a broken line costs itself only', parseMeminfo('MemTotal: x kB\nMemFree: 1 kB\nhalf'), [['MemFree_bytes', 1024]]],
  ['loadavg', parseLoadavg('0.21 0.37 0.39 1/719 19737\n'), [0.21, 0.37, 0.39]],
  ['cpu: an old kernel has fewer columns', parseCpuLines('cpu 9 9\ncpu3 100 200 300 400\nintr 5\n'), { 3: [1, 2, 3, 4, 0, 0, 0, 0, 0, 0] }],
  ['cpu list', parseCpuList('1,3-5\n'), ['1', '3', '4', '5']],
  ['cpu list: an endless range is cut', parseCpuList('0-99999999999').length <= 8193, true],
  ['cpuinfo: blocks with a processor', parseCpuInfo('processor : 0\nmodel name : A: B\n\nHardware : x\n'), [{ processor: '0', 'model name': 'A: B' }]],
  ['mountinfo: options of both kinds, escapes, optional fields', parseMountinfo('36 35 98:0 / /a\\040b ro,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue\nbroken\n'), [{ device: '/dev/root', mountPoint: '/a b', fsType: 'ext3', readOnly: true }]],
  ['mounts', parseMounts('/dev/sda1 / ext4 rw,ro_x 0 0\n'), [{ device: '/dev/sda1', mountPoint: '/', fsType: 'ext4', readOnly: false }]],
  ['diskstats: 14 columns and a partition line of 2.6', parseDiskstats('8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 1 sda1 1 2 3 4\n'), [{ major: '8', minor: '0', device: 'sda', counts: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] }]],
  ['udev', parseUdev('S:x\nE:ID_MODEL=a=b\nE:broken\n'), { ID_MODEL: 'a=b' }],
  ['net/dev: alias and missing space', parseNetDev('h\nh\n eth0:1: 1 2\n  lo:3 4\n'), { 'eth0:1': [1, 2], lo: [3, 4] }],
  ['netstat: pairs of lines', parseNetstat('Tcp: A B\nTcp: 1 -2\nUdp: A\nUdp: 1 2\n'), { Tcp_A: 1, Tcp_B: -2 }],
  ['snmp6', parseSnmp6('Ip6InReceives 7\nIcmp6OutType143 8\nbroken\n'), { Ip6_InReceives: 7, Icmp6_OutType143: 8 }],
  ['sockstat', parseSockstat('sockets: used 229\nTCP: inuse 4 mem x\n'), [{ protocol: 'sockets', values: [['used', 229]] }, { protocol: 'TCP', values: [['inuse', 4]] }]],
  ['page size: none given', pageBytes(undefined), 4096],
  ['page size: of the vector', pageBytes(new Uint8Array(new BigUint64Array([16n, 1n, 6n, 65536n, 0n, 0n]).buffer)), 65536],
  ['softnet: the CPU is the column, or the line', parseSoftnet('0000000a 0 0 0 0 0 0 0 0\n0 0 0 0 0 0 0 0 0 0 0 0 00000007\nshort\n').map(one => one.cpu), ['0', '7']],
  ['udp queues', parseUdp('header\n 0: 0:0 0:0 07 00000015:00000001 x\n bad\n'), { tx: 21, rx: 1 }],
  ['arp', parseArp('IP address HW type Flags HW address Mask Device\n1.1.1.1 0x1 0x2 aa * eth0\n1.1.1.2 0x1 0x2 aa * eth0\n'), { eth0: 2 }],
  ['vmstat', parseVmstat('pgfault 3\nbad\n'), [['pgfault', 3]]],
  ['conntrack: sums over CPUs', parseConntrackStat(`h\n${'1 '.repeat(17)}\n${'f '.repeat(17)}\nshort\n`), [16, 16, 16, 16, 16, 16, 16, 16]],
  ['schedstat', parseSchedstat('version 15\ncpu0 0 0 0 0 0 0 10 20 30\ndomain0 1\n'), [{ cpu: '0', running: 10, waiting: 20, slices: 30 }]],
  ['pressure', parsePressure('some avg10=0.00 total=14036781\n'), { some: 14036781, full: undefined }],
  ['stat', parseStat('cpu 1\nintr 5 0 0\nbtime 9\n'), { intr: [5], btime: [9] }],
  ['process: a name with parentheses and spaces', parseProcessStat(`1 (a) b (c) S ${'0 '.repeat(16)}7 0`), { state: 'S', threads: 7 }],
  ['process: an empty file', parseProcessStat(''), undefined],
  ['hwmon file', sensorFile('temp1_crit_alarm'), { type: 'temp', sensor: 'temp1', property: 'crit_alarm' }],
  ['hwmon: not a sensor', sensorFile('uevent'), undefined],
  ['hwmon name', cleanName(' Core-0! '), 'core_0'],
  ['rapl zones', zoneName('package-3', new Map()), { name: 'package', index: 3 }],
  ['rapl zones without a number are counted', zoneName('core', new Map([['core', 2]])), { name: 'core', index: 2 }],
  ['power supply: millionths', powerMetric('energy_now', '36580000'), { name: 'energy_watthour', value: 36.58 }],
  ['power supply: tenths', powerMetric('temp', '231'), { name: 'temp_celsius', value: 23.1 }],
  ['power supply: not a number', powerMetric('capacity', 'full'), undefined],
  ['speed unknown', speedBytes(-1), -125000],
  ['admin state', [adminState(undefined), adminState(0x1003), adminState(0x1002)], ['unknown', 'up', 'down']],
  ['dimm label of the kernel', dimmLabel('mc#0csrow#1channel#2'), 'mc0_csrow1_channel2'],
  ['dimm label of a person', dimmLabel('DIMM_A1'), 'DIMM_A1'],
  ['os-release', parseOsRelease('ID=debian\nNAME="A \\"b\\""\n# c\nVARIANT=\'x y\'\n'), { id: 'debian', name: 'A "b"', variant: 'x y' }],
  ['systemd units', parseShow('Id=a.service\nActiveState=failed\nLoadState=loaded\nType=simple\n\nId=b.service\nActiveState=inactive\nLoadState=not-found\n'), [{ name: 'a.service', activeState: 'failed', type: 'simple' }]],
  ['ipvs endpoint', parseEndpoint('C0A80016:0CEA'), { address: '192.168.0.22', port: '3306' }],
  ['ipvs endpoint that is none', parseEndpoint('x:y'), undefined],
  ['infiniband rate', parseRate('40 Gb/sec (4X QDR)'), 5e9],
  ['kstat: numbers only', parseKstat('9 1 0x01\nname type data\na-b 4 7\nc 3 -1\nd 7 text\n'), [['a_b', 7], ['c', -1]]],
  ['xfs', parseXfs('rw 28 0\nconstructor 1\n'), [['write_calls', 28], ['read_calls', 0]]],
  ['rpc', parseRpc('net 1 2\nproc2 2 5 x\n'), { net: [1, 2], proc2: [5, 0] }],
  ['textfile: families with types', parseTextfile(new TextEncoder().encode('# TYPE s summary\ns_sum 1\ns_count 2\nu{a="b"} 3\n'), 'f'), [{ name: 's', help: 'Metric read from f', type: 'summary', samples: [{ suffix: '_sum', labels: [], value: 1 }, { suffix: '_count', labels: [], value: 2 }] }, { name: 'u', help: 'Metric read from f', type: 'unknown', samples: [{ suffix: '', labels: ['a', 'b'], value: 3 }] }]],
  ['textfile: times of its own', parseTextfile(new TextEncoder().encode('a 1 1000\n'), 'f'), 'samples with times of their own are not taken'],
  ['link target', linkTarget('/sys/class/hwmon/hwmon0', '../../devices/x'), '/sys/devices/x'],
]; // biome-ignore format: one case a line

describe('parsers of the host collector', () => {
  it.each(CASES)('%s', (_, got, expected) => {
    expect(plain(got)).toEqual(expected);
  });

  it.each([
    ['mdstat: resync that waits', 'md9 : active raid1 sdc2[2] sdd2[3](F)\n  523968 blocks super 1.2 [4/4] [UUUU]\n   resync=DELAYED\n\n', { state: 'resyncing', blocksSynced: 0, failed: 1, active: 4, required: 4 }],
    ['mdstat: recovery after a bitmap', 'md6 : active raid1 sdb2[2](F) sdc[1](S) sda2[0]\n  195310144 blocks [2/1] [U_]\n  bitmap: 0/1\n  [=>] recovery = 8.5% (16775552/195310144) finish=17.0min speed=259783K/sec\n\n', { state: 'recovering', blocksSynced: 16775552, spare: 1, active: 1, required: 2 }],
    ['mdstat: stripes need all', 'md1 : active raid0 a[0] b[1]\n  100 blocks 4k chunks\n\n\n', { state: 'active', active: 2, required: 2, blocksSynced: 100 }],
  ])('%s', (_, text, expected) => {
    expect(parseMdstat(`Personalities : [raid1]\n${text}unused devices: <none>\n`)[0]).toMatchObject(expected);
  }); // biome-ignore format: one case a line

  it('counters never go back, but a CPU that was plugged in again starts anew', () => {
    const kept = new Map([['0', [10, 0, 0, 50]]]);
    keepRising(kept, new Map([['0', [11, 0, 0, 49]]]));
    expect(kept.get('0')).toEqual([11, 0, 0, 50]);
    keepRising(kept, new Map([['0', [1, 0, 0, 2]]]));
    expect(kept.get('0')).toEqual([1, 0, 0, 2]);
  });

  it('no text makes a parser throw', () => {
    const parsers = [
      parseArp, parseCpuInfo, parseCpuLines, parseCpuList, parseDiskstats, parseUdev, parseMountinfo, parseMounts,
      parseLoadavg, parseMdstat, parseMeminfo, parseNetDev, parseNetstat, parseSnmp6, parseOsRelease, parseProcessStat,
      parseConntrackStat, parsePressure, parseSchedstat, parseVmstat, parseSockstat, parseSoftnet, parseStat, parseShow,
      parseUdp, sensorFile, cleanName, dimmLabel, datasetName, parseKstat, parsePoolIo, parseXfs, parseRpc, parseEndpoint, parseIpvs, parseRate,
      (one: string) => parseTextfile(new TextEncoder().encode(one), 'f'),
    ]; // biome-ignore format: a list of names
    const word = fc.constantFrom(
      'cpu0',
      'md0',
      ':',
      '-',
      '=',
      '(',
      ')',
      '[2/1]',
      '[U_]',
      'blocks',
      '1',
      'ff',
      '\\040',
      ' ',
      '\n',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word).map(parts => parts.join(' ')),
    );
    const seed = 20260723;
    fc.assert(
      fc.property(text, one => {
        for (const parse of parsers) parse(one);
      }),
      { seed, numRuns: 300 },
    );
  });
});
