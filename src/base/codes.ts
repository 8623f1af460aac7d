// The catalogue of coded errors and diagnostics: one line each, tested against docs/reference/errors.md.
// A code never changes its meaning; messages may be reworded freely. Keep each folder's section sorted.

export const CODES = {
  // --- config
  'config-io': 'A configuration file could not be read.',
  'config-yaml': 'The text is not valid YAML.',
  'config-unknown-key': 'A key is not known at its place; the nearest known key is suggested.',
  'config-duplicate-key': 'A key stands twice in one mapping.',
  'config-missing-key': 'A required key is missing.',
  'config-wrong-type': 'A value has another type than the key wants.',
  'config-bad-value': 'A value has the right type but is not allowed.',
  'config-conflict': 'Two keys exclude each other.',
  'config-not-carried-out': 'A valid key that this version accepts but does not act on.',
  'config-unknown-receiver': 'A route names a receiver that is not defined.',
  'config-environment': 'An environment variable named in the file is not set.',
  // --- disk
  'dns-failed': 'A name could not be looked up: no server of DNS answered.',
  'disk-denied': 'The operating system denied access to a file or folder.',
  'disk-exists': 'A file that must be new exists already.',
  'disk-full': 'The file system is full.',
  'disk-io': 'Reading or writing failed for a reason of the device.',
  'disk-locked': 'Another process holds the lock of this folder.',
  'disk-not-a-folder': 'A folder was expected at this path.',
  'disk-not-found': 'A file or folder does not exist.',
  // --- exec
  'exec-aborted': 'A command was given up before it ended.',
  'exec-denied': 'The program of a command may not be executed.',
  'exec-failed': 'A command could not be started.',
  'exec-not-found': 'The program of a command does not exist.',
  // --- exposition
  'exposition-bad-line': 'A line of a metrics page cannot be read.',
  'exposition-bad-format': 'The page is in a format that is not supported.',
  // --- http
  'http-aborted': 'A request was given up before it ended.',
  'http-bad-encoding': 'The body could not be decompressed.',
  'http-bad-url': 'The address is not a valid HTTP URL.',
  'http-body-too-large': 'The body is larger than the limit.',
  'http-dns': 'The host name could not be resolved.',
  'http-protocol': 'The peer did not speak HTTP as expected.',
  'http-refused': 'The connection was refused.',
  'http-reset': 'The connection broke before the answer was complete.',
  'http-timeout': 'The exchange took longer than its time limit.',
  'http-tls': 'The TLS handshake failed.',
  'listen-failed': 'The listening socket could not be opened.',
  // --- interchange
  'import-damaged': 'A part of a folder that is imported cannot be read: it is left out and counted.',
  // --- mail
  'mail-auth': 'The mail server did not accept the user name and password.',
  'mail-connect': 'The mail server could not be reached.',
  'mail-protocol': 'The mail server answered something unexpected.',
  'mail-rejected': 'The mail server refused the message for good (5xx).',
  'mail-temporary': 'The mail server refused the message for now (4xx).',
  'mail-timeout': 'The mail server took longer than the time limit.',
  'mail-tls': 'TLS with the mail server failed, or was required and not offered.',
  // --- query (promql)
  'query-cancelled': 'The query was cancelled, or its client went away.',
  'query-execution': 'The query is valid but cannot be carried out on this data.',
  'query-limit': 'The query would exceed a limit.',
  'query-overload': 'Too much is being asked at once; the same query may be answered a little later.',
  'query-parse': 'The text is not a PromQL expression.',
  'query-storage': 'Reading the stored data failed.',
  'query-timeout': 'The query took longer than its time limit.',
  // --- rules
  'rules-bad-expression': 'The expression of a rule cannot be parsed or carried out.',
  'rules-bad-template': 'A label or annotation template of a rule cannot be parsed.',
  'rules-bad-test': 'A rule unit test is not written as the format wants.',
  'rules-duplicate-group': 'Two groups of one file have the same name.',
  'rules-duplicate-rule': 'Two rules of one file have the same name and the same labels.',
  'rules-duplicate-series':
    'The answer of a rule holds two series with the same labels after its own labels are applied.',
  'rules-limit': 'A rule gave more alerts or series than its group allows.',
  'rules-test-failed': 'A rule unit test gave another result than expected.',
  // --- sample refusals
  'sample-conflict': 'A sample with the same time and another value was written before.',
  'sample-future': 'A sample lies too far in the future.',
  'sample-limit': 'A limit on series would be exceeded.',
  'sample-out-of-order': 'A sample is older than the out-of-order window allows.',
  'sample-too-old': 'A sample is older than the retention.',
  // --- silences
  'silence-invalid': 'A silence is asked for that can silence nothing, or everything.',
  'silence-limit': 'There are too many silences, or one is too large.',
  'silence-not-found': 'No silence has this id.',
  // --- state
  'state-closed': 'The state database is closed.',
  'state-conflict': 'A commit was refused since its precondition no longer holds.',
  'state-damaged': 'The state database is damaged: some of what it holds cannot be read.',
  'state-io': 'The state database could not be read or written.',
  'state-newer': 'The state database was written by a newer version.',
  // --- storage
  'block-damaged': 'A block of stored samples cannot be read: it is set aside and counted.',
  'chunk-damaged': 'Sealed samples on disk cannot be read: the chunk is skipped and counted.',
  'restore-not-empty': 'A snapshot would be restored into a folder that is not empty.',
  'snapshot-damaged': 'A file of a snapshot is missing or is not what its manifest says.',
  'storage-closed': 'The store is closed.',
  'storage-mismatch': 'Index, counts or labels of the store do not agree with its samples.',
  'storage-newer-format': 'The data folder was written by a newer version.',
  'storage-paused': 'Ingestion is paused, mostly because the disk is full.',
  'wal-damaged': 'Damage in the middle of the log: the record is skipped and counted.',
  'wal-torn-tail': 'An unfinished record at the end of the log was cut off.',
  // --- template
  'template-execute': 'A template is well formed but failed on its data.',
  'template-limit': 'A template would exceed a limit on output, steps, nesting or queries.',
  'template-parse': 'The text is not a valid template.',
  'template-unknown': 'A template is called that is defined nowhere.',
} as const;

export type Code = keyof typeof CODES;
