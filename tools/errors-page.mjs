// Rewrites docs/reference/errors.md from the catalogue: run it after adding a code (needs a build).

import { writeFileSync } from 'node:fs';

const { CODES } = await import('../dist/base/codes.js');
const rows = Object.entries(CODES)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
const page = `# Error codes

Every error and diagnostic that Watchkeeper reports carries one of these codes. A code keeps its meaning over
versions; the wording of messages may change, so match on codes. The page is made from \`src/base/codes.ts\`.

| code | meaning |
|---|---|
${rows.join('\n')}
`;
writeFileSync(new URL('../docs/reference/errors.md', import.meta.url), page);
