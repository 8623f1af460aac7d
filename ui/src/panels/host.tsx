// Charts of this host: CPU, memory, disk, file systems, network.

import { useMemo, useState } from 'preact/hooks';
import { Chart, type ChartSpec } from '../chart.tsx';
import type { Texts } from '../i18n/index.ts';

const RANGES: readonly (readonly [name: string, seconds: number])[] = [
  ['5 m', 300],
  ['15 m', 900],
  ['1 h', 3600],
  ['6 h', 21_600],
];

export function HostPanel({ texts }: { texts: Texts }) {
  const [rangeS, setRangeS] = useState(900);
  const specs = useMemo(() => chartsFor(texts), [texts]);
  return (
    <section id="host">
      <header class="row">
        <h2>{texts.t('section.host')}</h2>
        <fieldset class="ranges" aria-label={texts.t('range.label')}>
          {RANGES.map(([name, seconds]) => (
            <button
              type="button"
              key={name}
              aria-pressed={seconds === rangeS}
              onClick={() => setRangeS(seconds)}
            >
              {name}
            </button>
          ))}
        </fieldset>
      </header>
      <div class="charts">
        {specs.map(spec => (
          <Chart key={spec.expr} spec={spec} rangeS={rangeS} texts={texts} />
        ))}
      </div>
    </section>
  );
}

function chartsFor(texts: Texts): readonly ChartSpec[] {
  const real = 'device!~"lo|veth.*|docker.*|br-.*"';
  return [
    {
      title: texts.t('chart.cpu'),
      expr: '100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[1m])))',
      by: 'instance',
      unit: 'percent',
    },
    {
      title: texts.t('chart.memory'),
      expr: '100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)',
      by: 'instance',
      unit: 'percent',
    },
    {
      title: texts.t('chart.disk'),
      expr: '100 * rate(node_disk_io_time_seconds_total[1m])',
      by: 'device',
      unit: 'percent',
    },
    {
      title: texts.t('chart.filesystem'),
      expr: '100 * (1 - max by (mountpoint) (node_filesystem_avail_bytes / node_filesystem_size_bytes))',
      by: 'mountpoint',
      unit: 'percent',
    },
    {
      title: texts.t('chart.networkIn'),
      expr: `rate(node_network_receive_bytes_total{${real}}[1m])`,
      by: 'device',
      unit: 'bytes',
    },
    {
      title: texts.t('chart.networkOut'),
      expr: `rate(node_network_transmit_bytes_total{${real}}[1m])`,
      by: 'device',
      unit: 'bytes',
    },
  ];
}
