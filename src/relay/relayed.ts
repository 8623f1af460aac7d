// An alert as an Alertmanager is told of it: labels with the external ones, relabelled; times; the JSON of its API v2.

import { type CompiledRelabelRule, relabel } from '../exposition/index.ts';
import {
  type Alert,
  episodeStartMs,
  type Labels,
  labelPairs,
  labelsFromPairs,
  labelsToRecord,
  toldAnnotations,
} from '../model/index.ts';

export interface RelayedAlert {
  /** The same for every word on one state of one episode: a newer word takes the place of an older that waits. */
  readonly key: string;
  /** Of the alert as the rules know it. */
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly isResolved: boolean;
  readonly generatorUrl: string;
}

/** `validUntilMs`: until when it stands if nothing more is heard. */
export function relayedOf(alert: Alert, externalLabels: Labels, validUntilMs: number): RelayedAlert {
  const isResolved = alert.state === 'resolved';
  const startsAtMs = episodeStartMs(alert);
  return {
    key: `${alertKey(alert)}\0${startsAtMs}\0${isResolved}`,
    fingerprint: alert.fingerprint,
    // Labels of its own go before external ones.
    labels: labelsFromPairs([...labelPairs(externalLabels), ...labelPairs(alert.labels)]),
    annotations: toldAnnotations(alert),
    startsAtMs,
    endsAtMs: isResolved ? (alert.resolvedAtMs ?? validUntilMs) : validUntilMs,
    isResolved,
    generatorUrl: alert.generatorUrl,
  };
}

/** An alert of a rule, over all its episodes. Two rules may give alerts of equal labels. */
export function alertKey({ rule, fingerprint }: Alert): string {
  return `${rule.file}\0${rule.group}\0${rule.name}\0${rule.labelsKey}\0${fingerprint}`;
}

/** Without those that a rule drops, or of which it leaves no label. */
export function relabelled(
  alerts: readonly RelayedAlert[],
  rules: readonly CompiledRelabelRule[],
): readonly RelayedAlert[] {
  if (rules.length === 0) return alerts;
  return alerts.flatMap(alert => {
    const labels = relabel(alert.labels, rules);
    return labels === undefined || labels.length === 0 ? [] : [{ ...alert, labels }];
  });
}

/** A list of postable alerts, as `POST /api/v2/alerts` takes it. */
export function payloadOf(alerts: readonly RelayedAlert[]): string {
  return JSON.stringify(
    alerts.map(alert => ({
      labels: labelsToRecord(alert.labels),
      annotations: labelsToRecord(alert.annotations),
      startsAt: new Date(alert.startsAtMs).toISOString(),
      endsAt: new Date(alert.endsAtMs).toISOString(),
      generatorURL: alert.generatorUrl,
    })),
  );
}
