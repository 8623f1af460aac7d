// The rule of the dead man's switch: an alert that always fires, with the time of the last sample that this very program
// took of itself as its value, less the time that its scraper stands still. Whoever sends its message sees by the value whether
// samples, scrapes and evaluation stand still.

export const HEARTBEAT_RULES_FILE = 'heartbeat-rules.yml';

export interface HeartbeatRule {
  /** Its name. */
  readonly alert: string;
  /** Labels of the program's own target. */
  readonly job: string;
  readonly instance: string;
  readonly intervalMs: number;
}

/** An ordinary rule file. */
export function heartbeatRules(rule: HeartbeatRule): string {
  // JSON's quoting serves PromQL's strings, and once more YAML's.
  const own = `{job=${JSON.stringify(rule.job)}, instance=${JSON.stringify(rule.instance)}}`;
  const expr = `timestamp(watchkeeper_ready${own}) - watchkeeper_scrape_standstill_seconds${own} > 0`;
  return `groups:
  - name: heartbeat
    interval: ${Math.round(rule.intervalMs)}ms
    rules:
      - alert: ${rule.alert}
        expr: ${JSON.stringify(expr)}
        labels:
          severity: none
        annotations:
          summary: 'Watchkeeper is alive'
          description: 'This alert always fires: as long as it does its message goes to the heartbeat URL. Nothing is wrong.'
          summary_zh: 'Watchkeeper 运行正常'
          description_zh: '此告警始终处于触发状态，其通知发送到心跳 URL，并不表示有故障。'
`;
}
