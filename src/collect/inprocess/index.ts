// collect/inprocess/: sources inside this process (this host, the program's own metrics) as targets.

export {
  createInProcessRunner,
  type InProcessPorts,
  type InProcessRunner,
  type InProcessTarget,
} from './runner.ts';
