// One worker process of `npm run soak -- sim`: runs the seeds that its parent sends.

import { failureText } from '../test/sim/report.ts';
import { runSimulation } from '../test/sim/run.ts';
import { tallyTable, untouched } from '../test/sim/tally.ts';

interface Task {
  readonly seed: number;
  readonly minutes: number;
  readonly verbose: boolean;
  readonly watch?: string;
}

process.on('message', (task: Task) => {
  const options = task.watch === undefined ? {} : { watch: task.watch };
  void runSimulation(task.seed, task.minutes, options).then(result => {
    const failed = result.failures.length > 0;
    const text = failed || task.verbose ? failureText(result, { withLog: true }) : '';
    process.send?.({ seed: task.seed, failed, text, tally: result.tally });
  });
});

export { tallyTable, untouched };
