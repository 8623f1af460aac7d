// Why an alert is as it is, or was at a time: the causes first, then its samples, its routes, and every stage it passed.

import { useEffect, useState } from 'preact/hooks';
import type { OwnAlertJson } from '../../../src/api/contract.ts';
import type { ConditionJson, DeliveryJson, ExplainJson } from '../../../src/api/contract-explain.ts';
import { fetchDeliveries, fetchExplain } from '../client.ts';
import { causeWords, type Texts } from '../i18n/index.ts';
import { Labels } from './alerts.tsx';
import { EventLine } from './timeline.tsx';

/** `changedAt` makes it ask again when something happened. */
export function ExplainPanel({
  alert,
  changedAt,
  texts,
  onClose,
}: {
  alert: OwnAlertJson;
  changedAt: number;
  texts: Texts;
  onClose: () => void;
}) {
  const [explained, setExplained] = useState<ExplainJson>();
  const [deliveries, setDeliveries] = useState<readonly DeliveryJson[]>([]);
  const [error, setError] = useState('');
  const [atMs, setAtMs] = useState<number>();
  useEffect(() => {
    let current = true;
    fetchExplain(alert.fingerprint, atMs).then(
      value => {
        if (!current) return;
        setExplained(value);
        setError('');
      },
      (cause: unknown) => current && setError(String(cause)),
    );
    fetchDeliveries(alert.fingerprint).then(
      value => current && setDeliveries(value.deliveries),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [alert.fingerprint, changedAt, atMs]);
  useEffect(() => {
    const close = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') onClose();
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, [onClose]);

  const name = alert.labels['alertname'] ?? '';
  const shown = explained?.alert ?? alert;
  return (
    <div class="explain" role="dialog" aria-modal="false">
      <header class="row">
        <h2>{texts.t('explain.title', { name, state: texts.word('state', shown.state) })}</h2>
        <button type="button" onClick={onClose}>
          {texts.t('explain.close')}
        </button>
      </header>
      <TimeChoice atMs={atMs} onChoose={setAtMs} texts={texts} />
      {error !== '' && <p class="error">{error}</p>}
      {explained !== undefined && explained.alert === null && <p class="quiet">{texts.t('explain.none')}</p>}
      <ul class="list causes">
        {explained?.causes.map(cause => (
          <li key={`${cause.code}${cause.receiver ?? ''}`} data-cause={cause.code}>
            {causeWords(texts, cause)}
          </li>
        ))}
      </ul>
      <p>
        {texts.t('explain.rule')} <code>{shown.expr}</code> <Labels labels={shown.labels} />
      </p>
      {explained !== undefined && <Details explained={explained} deliveries={deliveries} texts={texts} />}
    </div>
  );
}

/** A moment of the past, or now. */
function TimeChoice({
  atMs,
  onChoose,
  texts,
}: {
  atMs: number | undefined;
  onChoose: (atMs: number | undefined) => void;
  texts: Texts;
}) {
  return (
    <p class="row">
      <label>
        {texts.t('explain.at')}{' '}
        <input
          type="datetime-local"
          step="1"
          value={atMs === undefined ? '' : localTime(atMs)}
          onChange={event => {
            const chosen = Date.parse(event.currentTarget.value);
            onChoose(Number.isNaN(chosen) ? undefined : chosen);
          }}
        />
      </label>
      {atMs !== undefined && (
        <button type="button" onClick={() => onChoose(undefined)}>
          {texts.t('explain.now')}
        </button>
      )}
    </p>
  );
}

/** As the field wants it: local time without a zone. */
function localTime(atMs: number): string {
  const offsetMs = new Date(atMs).getTimezoneOffset() * 60_000;
  return new Date(atMs - offsetMs).toISOString().slice(0, 19);
}

function Details({
  explained,
  deliveries,
  texts,
}: {
  explained: ExplainJson;
  deliveries: readonly DeliveryJson[];
  texts: Texts;
}) {
  const name = explained.alert?.labels['alertname'] ?? '';
  return (
    <>
      {explained.conditions.length > 0 && (
        <details open>
          <summary>{texts.t('explain.sample')}</summary>
          {explained.conditions.map(condition => (
            <Condition key={condition.text} condition={condition} texts={texts} />
          ))}
        </details>
      )}
      {explained.routes.length > 0 && (
        <details>
          <summary>{texts.t('explain.routes')}</summary>
          <ol class="list">
            {explained.routes.map((step, i) => (
              <li
                key={`${i}${step.route}`}
                data-route={step.verdict}
                style={{ paddingLeft: `${step.depth}em` }}
              >
                <span class="badge">{texts.word('route', step.verdict)}</span>
                <span class="grow">
                  <code>{`${step.route} → ${step.receiver}`}</code> {step.reason}
                </span>
              </li>
            ))}
          </ol>
        </details>
      )}
      {deliveries.length > 0 && (
        <details>
          <summary>{texts.t('explain.deliveries')}</summary>
          <ol class="list">
            {deliveries.map(one => (
              <li key={one.jobId} data-delivery={one.verdict}>
                {texts.t('delivery.line', {
                  time: texts.time(one.startedAtMs),
                  receiver: one.receiver,
                  verdict: texts.word('verdict', one.verdict),
                })}{' '}
                {one.reason} {one.detail}
              </li>
            ))}
          </ol>
        </details>
      )}
      {explained.isPast && explained.configVersion !== '' && (
        <p class="quiet">{texts.t('explain.config', { version: explained.configVersion })}</p>
      )}
      {explained.history.length === 0 && <p class="quiet">{texts.t('explain.empty')}</p>}
      <ol class="list timeline" aria-label={texts.t('explain.history')}>
        {explained.history.map(event => (
          <EventLine key={event.seq} event={event} texts={texts} />
        ))}
      </ol>
      {explained.hasMore && <p class="quiet">{texts.t('explain.more', { name })}</p>}
    </>
  );
}

function Condition({ condition, texts }: { condition: ConditionJson; texts: Texts }) {
  const { left, op, threshold, right, series, error } = condition;
  return (
    <p>
      <code>{op === '' ? left : `${left} ${op} ${threshold ?? right}`}</code> {error}
      {error === '' && series.length === 0 && <span class="quiet">{texts.t('explain.noSeries')}</span>}
      {series.map(one => (
        <span key={JSON.stringify(one.labels)}>
          {' '}
          <Labels labels={one.labels} /> <strong>{one.value}</strong>{' '}
          {op !== '' && texts.t(one.holds ? 'explain.holds' : 'explain.holdsNot')}
        </span>
      ))}
    </p>
  );
}
