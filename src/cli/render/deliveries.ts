// The delivery log as lines: when, to whom, what became of it, and about what.

import type { DeliveriesJson, DeliveryJson } from '../../api/index.ts';
import { counted } from './numbers.ts';
import { utcText } from './times.ts';
import { padText, visible } from './width.ts';

/** The newest first. */
export function deliveriesText({ deliveries, hasMore }: DeliveriesJson): string {
  if (deliveries.length === 0) return 'no message fits\n';
  const wide = (textOf: (one: DeliveryJson) => string): number =>
    Math.max(...deliveries.map(one => textOf(one).length));
  const receiverWidth = wide(one => one.receiver);
  const verdictWidth = wide(one => one.verdict);
  const lines = deliveries.map(one =>
    [
      utcText(one.startedAtMs),
      padText(visible(one.receiver), receiverWidth, 'left'),
      padText(one.verdict, verdictWidth, 'left'),
      visible(aboutText(one)),
    ].join('  '),
  );
  return `${lines.join('\n')}\n${hasMore ? 'there are more: raise --limit, or narrow the search\n' : ''}`;
}

function aboutText(one: DeliveryJson): string {
  const alerts = [
    one.firing.length > 0 ? `${counted(one.firing.length, 'alert')} firing` : '',
    one.resolved.length > 0 ? `${one.resolved.length} resolved` : '',
  ].filter(text => text !== '');
  const parts = [
    `${one.reason === '' ? 'message' : one.reason}: ${alerts.join(', ')} of ${one.groupKey}`,
    one.detail,
    one.attempts !== null && one.attempts > 1 ? counted(one.attempts, 'attempt') : '',
    one.deliveredBy === '' ? '' : `delivered by ${one.deliveredBy}`,
    one.possibleRepeat ? 'possible repeat' : '',
  ];
  return parts.filter(text => text !== '').join('; ');
}
