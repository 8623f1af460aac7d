// One chart: a range query drawn by uPlot and asked again while the page is open.

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { fetchRange } from './client.ts';
import { COLOURS, columnsOf, formatPercent, formatRate, type Loaded, latest } from './columns.ts';
import type { Texts } from './i18n/index.ts';

export interface ChartSpec {
  readonly title: string;
  readonly expr: string;
  /** Label that tells the lines apart. */
  readonly by: string;
  readonly unit: 'percent' | 'bytes';
}

/** Points across: one a pixel pair on a usual panel. */
const POINTS = 240;
const REFRESH_MS = 5000;

export function Chart({ spec, rangeS, texts }: { spec: ChartSpec; rangeS: number; texts: Texts }) {
  const [loaded, setLoaded] = useState<Loaded>({ kind: 'waiting' });
  useEffect(() => {
    const controller = new AbortController();
    const load = async (): Promise<void> => {
      const stepS = Math.max(5, Math.ceil(rangeS / POINTS));
      const endS = Math.floor(Date.now() / 1000 / stepS) * stepS;
      try {
        const answer = await fetchRange(
          { expr: spec.expr, startS: endS - rangeS, endS, stepS },
          controller.signal,
        );
        setLoaded(columnsOf(answer, { by: spec.by, startS: endS - rangeS, endS, stepS }));
      } catch (error) {
        if (!controller.signal.aborted)
          setLoaded({ kind: 'error', error: error instanceof Error ? error.message : String(error) });
      }
    };
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, [spec, rangeS]);

  return (
    <figure class="chart">
      <figcaption>{spec.title}</figcaption>
      {loaded.kind === 'data' && loaded.names.length > 0 ? (
        <Plot data={loaded.data} names={loaded.names} unit={spec.unit} timeLabel={texts.t('chart.time')} />
      ) : (
        <p class="quiet">
          {loaded.kind === 'error' ? texts.t('chart.error', { error: loaded.error }) : texts.t('chart.empty')}
        </p>
      )}
    </figure>
  );
}

function Plot({
  data,
  names,
  unit,
  timeLabel,
}: {
  data: uPlot.AlignedData;
  names: readonly string[];
  unit: ChartSpec['unit'];
  timeLabel: string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const key = names.join('\n');
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    plot.current = new uPlot(options(names, { unit, timeLabel, width: element.clientWidth }), data, element);
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.current?.destroy();
    };
  }, [key, unit, timeLabel]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={place} />;
}

/** Ticks closer than a minute need their seconds. */
function clockTime(incrementS: number): (atS: number) => string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return atS => {
    const time = new Date(atS * 1000);
    const minutes = `${two(time.getHours())}:${two(time.getMinutes())}`;
    return incrementS < 60 ? `${minutes}:${two(time.getSeconds())}` : minutes;
  };
}

const HEIGHT = 170;

function options(
  names: readonly string[],
  look: { unit: ChartSpec['unit']; width: number; timeLabel: string },
): uPlot.Options {
  const format = look.unit === 'percent' ? formatPercent : formatRate;
  const ink = getComputedStyle(document.documentElement).getPropertyValue('--quiet').trim();
  const grid = {
    stroke: getComputedStyle(document.documentElement).getPropertyValue('--line').trim(),
    width: 1,
  };
  return {
    width: look.width,
    height: HEIGHT,
    cursor: { y: false },
    legend: { live: true },
    scales: {
      y: {
        range: (_, low, high) => [
          Math.min(0, low),
          look.unit === 'percent' ? 100 : Math.max(high * 1.1, 1024),
        ],
      },
    },
    axes: [
      {
        stroke: ink,
        grid,
        ticks: grid,
        values: (_plot, times, _axis, _space, incrS) => times.map(clockTime(incrS)),
      },
      { stroke: ink, grid, ticks: grid, size: 76, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      { label: look.timeLabel, value: '{HH}:{mm}:{ss}' },
      ...names.map((label, i) => ({
        label,
        stroke: COLOURS[i % COLOURS.length] ?? ink,
        width: 1.5,
        points: { show: false },
        // Without a pointer on the chart the legend tells the latest value.
        value: (plot: uPlot, pointed: number | null, line: number) => {
          const value = pointed ?? (plot.cursor.idx == null ? latest([...(plot.data[line] ?? [])]) : null);
          return value === null ? '–' : format(value);
        },
      })),
    ],
  };
}
