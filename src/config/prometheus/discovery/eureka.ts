// eureka_sd_configs. Eureka: the applications of a registry.

import { duration, optionals, text } from '../../schema.ts';
import { reportAt, requireSet, urlProblem } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const eureka = discoveryKind(
  'eureka_sd_configs',
  {
    ...optionals({
      server: text(),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (value, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['server']);
    const problem =
      value.server === undefined || value.server === ''
        ? undefined
        : (urlProblem(value.server) ?? absoluteProblem(value.server));
    if (problem !== undefined) {
      reportAt(node, 'server', context, {
        message: `Cannot use "${value.server}" as eureka server URL: ${problem}`,
      });
    }
  },
);

/** Eureka's client takes any scheme. */
function absoluteProblem(url: string): string | undefined {
  return /^[a-zA-Z][\w+.-]*:\/\/[^/?#]/.test(url) ? undefined : 'its scheme or its host is missing';
}
