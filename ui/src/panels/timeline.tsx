// What happened, newest first, and the runs of recovery.

import type { RunJson, TimelineEventJson } from '../../../src/api/contract.ts';
import { type Texts, whyWords } from '../i18n/index.ts';
import { Labels } from './alerts.tsx';

export function TimelinePanel({ events, texts }: { events: readonly TimelineEventJson[]; texts: Texts }) {
  return (
    <section id="timeline">
      <h2>{texts.t('section.timeline')}</h2>
      {events.length === 0 && <p class="quiet">{texts.t('timeline.none')}</p>}
      <ol class="list timeline">
        {events.map(event => (
          <EventLine key={event.seq} event={event} texts={texts} />
        ))}
      </ol>
    </section>
  );
}

export function EventLine({ event, texts }: { event: TimelineEventJson; texts: Texts }) {
  const about = aboutOf(event);
  return (
    <li class={`stage-${event.stage}`} data-verdict={event.verdict}>
      <time>{texts.time(event.atMs)}</time>
      <span class="badge stage">{texts.word('stage', event.stage)}</span>
      <span class="grow">
        <strong>{texts.word('verdict', event.verdict)}</strong> {about !== '' && <code>{about}</code>}{' '}
        {whyWords(texts, { reason: event.reason, why: event.evidence['why'] })}
        {event.repeats > 0 && (
          <span class="quiet">
            {' '}
            · {texts.t('timeline.repeats', { count: event.repeats, time: texts.time(event.lastAtMs) })}
          </span>
        )}
      </span>
    </li>
  );
}

/** The name a person knows the subject by. */
function aboutOf(event: TimelineEventJson): string {
  const evidence = event.evidence as {
    readonly labels?: { readonly alertname?: unknown };
    readonly playbook?: unknown;
    readonly receiver?: unknown;
    readonly job?: unknown;
  };
  for (const name of [
    evidence.labels?.alertname,
    evidence.playbook,
    evidence.receiver,
    event.subject['kind'] === 'target' ? evidence.job : undefined,
    event.subject['name'],
    event.subject['id'],
  ]) {
    if (typeof name === 'string' && name !== '') return name;
  }
  return '';
}

export function RecoveryPanel({ runs, texts }: { runs: readonly RunJson[]; texts: Texts }) {
  return (
    <section id="recovery">
      <h2>{texts.t('section.recovery')}</h2>
      {runs.length === 0 && <p class="quiet">{texts.t('recovery.none')}</p>}
      <ol class="list">
        {runs.map(run => (
          <li key={run.id} data-run={run.state}>
            <time>{texts.time(run.proposedAtMs)}</time>
            <span class={`badge run-${run.state}`}>{texts.word('recovery', run.state)}</span>
            <div class="grow">
              <strong>{run.playbook}</strong>{' '}
              <span class="quiet">{texts.t('recovery.attempt', { count: run.attempt })}</span>{' '}
              <Labels labels={run.labels} />
              <p>{run.reason}</p>
              {run.steps.map(step => (
                <details key={`${step.name}${step.startedAtMs}`}>
                  <summary>{`${step.name}: ${step.outcome ?? '…'}`}</summary>
                  <p class="quiet">{step.detail}</p>
                  {step.output !== '' && <pre>{step.output}</pre>}
                </details>
              ))}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
