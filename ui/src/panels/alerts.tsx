// Alerts with their state and reason; each can be asked why.

import type { OwnAlertJson } from '../../../src/api/contract.ts';
import { type Texts, whyWords } from '../i18n/index.ts';

const ORDER = { firing: 0, unknown: 1, pending: 2, resolved: 3 } as const;

export function AlertsPanel({
  alerts,
  known,
  texts,
  onWhy,
}: {
  alerts: readonly OwnAlertJson[];
  /** Whether the server has spoken yet: before that nothing is well. */
  known: boolean;
  texts: Texts;
  onWhy: (alert: OwnAlertJson) => void;
}) {
  const sorted = [...alerts].sort((a, b) => ORDER[a.state] - ORDER[b.state] || b.activeAtMs - a.activeAtMs);
  return (
    <section id="alerts">
      <h2>{texts.t('section.alerts')}</h2>
      {known && sorted.length === 0 && <p class="quiet good">{texts.t('alerts.none')}</p>}
      <ul class="list">
        {sorted.map(alert => (
          <li key={alert.fingerprint} class={`alert ${alert.state}`} data-alert={alert.labels['alertname']}>
            <span class={`badge ${alert.state}`}>{texts.word('state', alert.state)}</span>
            <div class="grow">
              <strong>{alert.labels['alertname']}</strong> <Labels labels={alert.labels} />
              <p>{summaryOf(alert, texts)}</p>
              <p class="quiet">
                {texts.t('alerts.since', { time: texts.time(alert.firedAtMs ?? alert.activeAtMs) })} ·{' '}
                {texts.t('alerts.value', { value: shortValue(alert.value) })}
                {alert.reason === '' ? '' : ` · ${whyWords(texts, alert)}`}
              </p>
            </div>
            <button type="button" onClick={() => onWhy(alert)}>
              {texts.t('alerts.why')}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Five digits are enough for people; words such as NaN stay. */
function shortValue(value: string): string {
  const number = Number(value);
  return Number.isFinite(number) ? String(Number(number.toPrecision(5))) : value;
}

function summaryOf(alert: OwnAlertJson, texts: Texts): string {
  const { annotations } = alert;
  const own =
    texts.language === 'zh' ? (annotations['summary_zh'] ?? annotations['summary']) : annotations['summary'];
  return own ?? annotations['description'] ?? '';
}

export function Labels({ labels }: { labels: Readonly<Record<string, string>> }) {
  const shown = Object.entries(labels).filter(([name]) => name !== 'alertname');
  return (
    <span class="labels">
      {shown.map(([name, value]) => (
        <code key={name}>{`${name}=${value}`}</code>
      ))}
    </span>
  );
}
