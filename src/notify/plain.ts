// The message in plain words without any template: what goes out when a person's template fails.

import type { NotificationData } from './data.ts';
import { goTime } from './data.ts';

export function plainSubject(data: NotificationData): string {
  const names = Object.values(data.GroupLabels).join(' ') || data.CommonLabels['alertname'] || data.Receiver;
  return `[${data.Status.toUpperCase()}] ${names}`;
}

export function plainBody(data: NotificationData): string {
  const lines: string[] = [];
  if (data.PossibleRepeat) lines.push('Possible repeat: you may have received this message before.', '');
  if (data.RecoveryReport !== '') lines.push('What recovery tried:', data.RecoveryReport, '');
  for (const alert of data.Alerts) {
    lines.push(`${alert.Status.toUpperCase()} since ${goTime(alert.StartsAtMs)}`);
    for (const [name, value] of Object.entries(alert.Labels)) lines.push(`  ${name} = ${value}`);
    for (const [name, value] of Object.entries(alert.Annotations)) lines.push(`  ${name}: ${value}`);
  }
  if (data.TruncatedAlerts > 0) lines.push(`and ${data.TruncatedAlerts} more alerts`);
  return lines.join('\n');
}
