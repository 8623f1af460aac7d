// Why an alert is as it is: every stage it passed, with its reason.

import { useEffect, useState } from 'preact/hooks';
import type { ExplainJson, OwnAlertJson } from '../../../src/api/contract.ts';
import { fetchExplain } from '../client.ts';
import type { Texts } from '../i18n/index.ts';
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
  const [error, setError] = useState('');
  useEffect(() => {
    let current = true;
    fetchExplain(alert.fingerprint).then(
      value => current && setExplained(value),
      (cause: unknown) => current && setError(String(cause)),
    );
    return () => {
      current = false;
    };
  }, [alert.fingerprint, changedAt]);
  useEffect(() => {
    const close = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') onClose();
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, [onClose]);

  const name = alert.labels['alertname'] ?? '';
  return (
    <div class="explain" role="dialog" aria-modal="false">
      <header class="row">
        <h2>{texts.t('explain.title', { name, state: texts.word('state', alert.state) })}</h2>
        <button type="button" onClick={onClose}>
          {texts.t('explain.close')}
        </button>
      </header>
      <p>
        {texts.t('explain.rule')} <code>{alert.expr}</code>
      </p>
      {error !== '' && <p class="error">{error}</p>}
      {explained?.history.length === 0 && <p class="quiet">{texts.t('explain.empty')}</p>}
      <ol class="list timeline">
        {explained?.history.map(event => (
          <EventLine key={event.seq} event={event} texts={texts} />
        ))}
      </ol>
    </div>
  );
}
