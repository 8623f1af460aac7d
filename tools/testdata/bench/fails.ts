// A measurement that finds its claim untrue.
process.exitCode = 1;
