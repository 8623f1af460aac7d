// A measurement that comes to its end; it uses the sources as real ones do.
import { formatDuration } from '../../../src/base/index.ts';

console.log(`passes: ${formatDuration(90_000)}`);
