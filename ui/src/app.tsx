// The page: one screen, live.

import { useEffect, useMemo, useState } from 'preact/hooks';
import type { OwnAlertJson, StatusJson } from '../../src/api/contract.ts';
import { fetchStatus, follow, type LiveState, NOTHING_YET } from './client.ts';
import { formatDuration } from './duration.ts';
import { initialLanguage, type Language, type Texts, textsFor } from './i18n/index.ts';
import { AlertsPanel } from './panels/alerts.tsx';
import { ExplainPanel } from './panels/explain.tsx';
import { HostPanel } from './panels/host.tsx';
import { ReceiversPanel } from './panels/receivers.tsx';
import { TargetsPanel } from './panels/targets.tsx';
import { RecoveryPanel, TimelinePanel } from './panels/timeline.tsx';

const STATUS_REFRESH_MS = 10_000;
const LANGUAGE_KEY = 'watchkeeper.language';

export function App() {
  const [language, setLanguage] = useState<Language>(() =>
    initialLanguage(localStorage.getItem(LANGUAGE_KEY), navigator.languages),
  );
  const [live, setLive] = useState<LiveState>(NOTHING_YET);
  const [status, setStatus] = useState<StatusJson>();
  const [why, setWhy] = useState<OwnAlertJson>();
  const texts = useMemo(() => textsFor(language), [language]);

  useEffect(() => follow(change => setLive(change)), []);
  useEffect(() => {
    const load = (): void => void fetchStatus().then(setStatus, () => undefined);
    load();
    const timer = setInterval(load, STATUS_REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    localStorage.setItem(LANGUAGE_KEY, language);
  }, [language]);

  const asked = why && (live.alerts.find(alert => alert.fingerprint === why.fingerprint) ?? why);
  return (
    <>
      <Top
        status={status}
        live={live}
        texts={texts}
        onLanguage={() => setLanguage(language === 'en' ? 'zh' : 'en')}
      />
      <main class={live.connected ? '' : 'old'}>
        <div class="columns">
          <AlertsPanel alerts={live.alerts} known={live.nowMs > 0} texts={texts} onWhy={setWhy} />
          <RecoveryPanel runs={live.runs} texts={texts} />
        </div>
        <HostPanel texts={texts} />
        <TargetsPanel targets={live.targets} texts={texts} />
        <div class="columns">
          <TimelinePanel events={live.timeline} texts={texts} />
          <ReceiversPanel receivers={live.receivers} texts={texts} />
        </div>
      </main>
      {asked !== undefined && (
        <ExplainPanel
          alert={asked}
          changedAt={live.timeline[0]?.seq ?? 0}
          texts={texts}
          onClose={() => setWhy(undefined)}
        />
      )}
    </>
  );
}

function Top({
  status,
  live,
  texts,
  onLanguage,
}: {
  status: StatusJson | undefined;
  live: LiveState;
  texts: Texts;
  onLanguage: () => void;
}) {
  return (
    <header class="top">
      <div class="row">
        <h1>{texts.t('app.title')}</h1>
        <p class="quiet grow">{status === undefined ? texts.t('app.connecting') : aboutOf(status, texts)}</p>
        <button type="button" onClick={onLanguage}>
          {texts.t('language.other')}
        </button>
      </div>
      {!live.connected && live.nowMs > 0 && (
        <p class="banner">{texts.t('app.disconnected', { time: texts.time(live.nowMs) })}</p>
      )}
      {status?.effects === 'shadow' && <p class="banner">{texts.t('app.shadow')}</p>}
      {status?.storage.paused === true && <p class="banner bad">{texts.t('app.paused')}</p>}
      {status?.lastReload.ok === false && (
        <p class="banner bad">
          {texts.t('app.reloadFailed')} {status.lastReload.problems.join(' ')}
        </p>
      )}
    </header>
  );
}

function aboutOf(status: StatusJson, texts: Texts): string {
  const files = status.configFiles.length === 0 ? texts.t('app.stock') : status.configFiles.join(', ');
  const storage = texts.t('app.storage', {
    series: status.storage.series,
    age: formatDuration(status.storage.maxAgeMs),
  });
  return `${status.version} · ${files} · ${storage}`;
}
