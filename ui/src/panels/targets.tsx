// What is scraped, and how it goes.

import type { TargetJson } from '../../../src/api/contract.ts';
import type { Texts } from '../i18n/index.ts';

export function TargetsPanel({ targets, texts }: { targets: readonly TargetJson[]; texts: Texts }) {
  return (
    <section id="targets">
      <h2>{texts.t('section.targets')}</h2>
      {targets.length === 0 ? (
        <p class="quiet">{texts.t('targets.none')}</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>{texts.t('targets.target')}</th>
                <th>{texts.t('targets.state')}</th>
                <th>{texts.t('targets.last')}</th>
                <th>{texts.t('targets.duration')}</th>
                <th>{texts.t('targets.error')}</th>
              </tr>
            </thead>
            <tbody>
              {targets.map(target => (
                <tr
                  key={`${target.scrapePool} ${target.scrapeUrl} ${target.labels['instance']}`}
                  data-target={target.labels['instance']}
                >
                  <td>
                    <strong>{target.scrapePool}</strong>{' '}
                    <span class="quiet">{target.labels['instance']}</span>
                  </td>
                  <td>
                    <span class={`badge ${target.health}`}>{texts.word('health', target.health)}</span>
                  </td>
                  <td>{lastScrape(target, texts)}</td>
                  <td>{`${Math.round(target.lastScrapeDuration * 1000)} ms`}</td>
                  <td class="error">{target.lastError}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function lastScrape(target: TargetJson, texts: Texts): string {
  const atMs = Date.parse(target.lastScrape);
  return atMs > 0 ? texts.time(atMs) : texts.t('targets.never');
}
