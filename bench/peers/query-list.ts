// The questions that dashboards and rules ask of the data of push-load.ts, instant and over a range.

export interface Asked {
  readonly name: string;
  /** Of the request, with all parameters. */
  readonly path: string;
}

const BUCKETS = 'request_duration_seconds_bucket';

const INSTANT: readonly string[] = [
  'node_load1{instance="host-0-7.example.net:9100"}',
  'sum(node_load1)',
  'sum by (region) (node_memory_free_bytes)',
  'avg by (rack) (node_load1)',
  'max by (team) (temperature_celsius)',
  'count by (__name__) ({job="node"})',
  'topk(10, http_requests_total)',
  'quantile(0.9, queue_length)',
  'stddev by (datacenter) (threads_running)',
  'node_load1 > 505',
  'node_load1{instance=~"host-0-1.*"}',
  'node_load1{rack!~"r1|r2|r3"}',
  'sum(rate(http_requests_total[5m]))',
  'sum by (region) (rate(node_network_receive_bytes_total[5m]))',
  `histogram_quantile(0.99, sum by (le) (rate(${BUCKETS}[5m])))`,
  `histogram_quantile(0.9, rate(${BUCKETS}[5m]))`,
  'avg_over_time(node_load1[6h])',
  'max_over_time(node_memory_free_bytes[1h])',
  'resets(http_requests_total[6h])',
  'increase(http_errors_total[1h])',
  'quantile_over_time(0.9, node_load1[1h])',
  'deriv(node_filesystem_avail_bytes[1h])',
  'node_memory_free_bytes / on(instance) node_filesystem_avail_bytes',
  'http_errors_total / on(instance) group_left http_requests_total',
  'node_load1 and on(instance) (threads_running > 10050)',
  'absent(node_load1{instance="nobody"})',
  'sum(node_load1 offset 1h) / sum(node_load1)',
  'max_over_time(sum(rate(http_requests_total[5m]))[1h:1m])',
];

const RANGE: readonly (readonly [expr: string, hours: number, step: number])[] = [
  ['node_load1{instance="host-0-7.example.net:9100"}', 6, 60],
  ['sum(node_load1)', 6, 60],
  ['sum(rate(http_requests_total[5m]))', 6, 60],
  ['sum by (region) (rate(node_network_receive_bytes_total[5m]))', 6, 60],
  ['avg by (rack) (node_memory_free_bytes)', 6, 60],
  ['count by (team) (node_load1 > 505)', 6, 60],
  [`histogram_quantile(0.99, sum by (le) (rate(${BUCKETS}[5m])))`, 6, 60],
  [`histogram_quantile(0.9, sum by (le, region) (rate(${BUCKETS}[5m])))`, 6, 60],
  [`sum(rate(${BUCKETS}{le="1"}[5m])) / sum(rate(${BUCKETS}{le="2"}[5m]))`, 6, 60],
  ['node_memory_free_bytes / on(instance) node_filesystem_avail_bytes', 3, 60],
  ['sum by (team) (http_errors_total / on(instance) group_left http_requests_total)', 3, 60],
  ['topk(5, rate(node_disk_reads_completed_total[5m]))', 3, 60],
  ['max_over_time(temperature_celsius{region="eu-west-1"}[10m])', 3, 60],
  ['avg_over_time(queue_length[1h])', 3, 300],
  ['quantile_over_time(0.95, threads_running{team="team-3"}[30m])', 3, 60],
  ['rate(http_requests_total[5m])', 1, 60],
  ['label_replace(node_load1, "host", "$1", "instance", "([^.]+).*")', 1, 60],
  ['sum(increase(jobs_done_total[1h]))', 6, 300],
  ['sum by (cluster) (node_load1) - sum by (cluster) (node_load1 offset 1h)', 5, 60],
];

/** `hours` of data are there: ranges and steps are stretched or shrunk from six. */
export function askedOf({
  endMs,
  hours,
}: {
  readonly endMs: number;
  readonly hours: number;
}): readonly Asked[] {
  const instant = INSTANT.map(expr => ({
    name: `instant ${shortened(expr)}`,
    path: `/api/v1/query?${new URLSearchParams({ query: expr, time: String(endMs / 1000) })}`,
  }));
  const range = RANGE.map(([expr, wanted, step]) => {
    const stretch = hours / 6;
    const startMs = endMs - wanted * stretch * 3_600_000 + 300_000;
    const times = { start: String(startMs / 1000), end: String(endMs / 1000), step: String(step * stretch) };
    return {
      name: `range ${wanted * stretch} h/${step * stretch} s ${shortened(expr)}`,
      path: `/api/v1/query_range?${new URLSearchParams({ query: expr, ...times })}`,
    };
  });
  return [...instant, ...range];
}

const NAME_CHARS = 60;

function shortened(expr: string): string {
  const text = expr.replaceAll(BUCKETS, 'buckets');
  return text.length <= NAME_CHARS ? text : `${text.slice(0, NAME_CHARS - 1)}…`;
}
