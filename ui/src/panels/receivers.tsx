// Who is told, how the last message went, and a button that sends a test.

import { useState } from 'preact/hooks';
import type { ReceiverJson } from '../../../src/api/contract.ts';
import { sendTest } from '../client.ts';
import type { Texts } from '../i18n/index.ts';

export function ReceiversPanel({ receivers, texts }: { receivers: readonly ReceiverJson[]; texts: Texts }) {
  return (
    <section id="receivers">
      <h2>{texts.t('section.receivers')}</h2>
      {receivers.length === 0 && <p class="quiet">{texts.t('receivers.none')}</p>}
      <ul class="list">
        {receivers.map(receiver => (
          <Receiver key={receiver.name} receiver={receiver} texts={texts} />
        ))}
      </ul>
    </section>
  );
}

function Receiver({ receiver, texts }: { receiver: ReceiverJson; texts: Texts }) {
  const [told, setTold] = useState('');
  const [busy, setBusy] = useState(false);
  const test = async (): Promise<void> => {
    setBusy(true);
    setTold(texts.t('receivers.testing'));
    try {
      setTold(texts.t('receivers.sent', { answer: await sendTest(receiver.name) }));
    } catch (error) {
      setTold(texts.t('receivers.failed', { error: error instanceof Error ? error.message : String(error) }));
    }
    setBusy(false);
  };
  return (
    <li data-receiver={receiver.name}>
      <span
        class={`badge ${receiver.consecutiveFailures > 0 ? 'down' : receiver.lastSuccessMs === null ? 'unknown' : 'up'}`}
      >
        {receiver.channels.join(' + ')}
      </span>
      <div class="grow">
        <strong>{receiver.name}</strong>
        <p class="quiet">{healthOf(receiver, texts)}</p>
        {told !== '' && <p role="status">{told}</p>}
      </div>
      <button type="button" disabled={busy} onClick={() => void test()}>
        {texts.t('receivers.test')}
      </button>
    </li>
  );
}

function healthOf(receiver: ReceiverJson, texts: Texts): string {
  const parts: string[] = [];
  if (receiver.lastSuccessMs !== null)
    parts.push(texts.t('receivers.lastSuccess', { time: texts.time(receiver.lastSuccessMs) }));
  if (receiver.lastErrorMs !== null) {
    parts.push(
      texts.t('receivers.lastError', { time: texts.time(receiver.lastErrorMs), error: receiver.lastError }),
    );
  }
  return parts.length === 0 ? texts.t('receivers.unused') : parts.join(' · ');
}
