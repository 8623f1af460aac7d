// explain/: why an alert is as it is, the delivery log, and the groups of alerts.

export { deliveries, groups } from './deliveries.ts';
export { explain } from './explain.ts';
export { CAUSE_WORDS, causeText, timeText } from './words.ts';
