// Target groups as outsiders write them: the list of file_sd_configs and of http_sd_configs.

import { err, ok, type Result } from '../base/index.ts';
import { list, parseDocument, readDocument, targetGroup } from '../config/index.ts';
import { formatDiagnostic, labelsFromPairs, labelsToRecord } from '../model/index.ts';
import type { TargetGroup } from './kind.ts';

const groupList = list(targetGroup);

/** JSON is read as the YAML that it is. The error names file, line and column. */
export function parseGroups(text: string, source: string): Result<readonly TargetGroup[], string> {
  // Tabs indent in JSON and may not in YAML; elsewhere in JSON they stand in no text unescaped.
  const plain = /\.json$/i.test(source) ? text.replaceAll('\t', ' ') : text;
  const read = readDocument(parseDocument(plain, source), groupList);
  const problem = read.diagnostics.find(one => one.severity === 'error');
  if (problem !== undefined || read.value === undefined)
    return err(
      problem === undefined ? `${source}: a list of target groups expected` : formatDiagnostic(problem),
    );
  return ok(
    read.value.map((group, i) => ({
      source: `${source}:${i}`,
      targets: (group.targets ?? []).map(address => ({ __address__: address })),
      labels: labelsToRecord(labelsFromPairs(group.labels ?? [])),
    })),
  );
}
