/**
 * Exit codes of the programs. A contract with scripts: a number never changes its meaning
 */

export const EXIT_CODES = {
  ok: { code: 0, meaning: 'done; a running peer was stopped gracefully or reached its last round' },
  unexpected: { code: 1, meaning: 'a bug: nothing that you did' },
  usage: { code: 2, meaning: 'the command line is wrong: unknown flag, malformed address, no such version' },
  configuration: { code: 3, meaning: 'a configuration file, an environment variable, the home or the federation document is not what is needed' },
  running: { code: 4, meaning: 'the peer is not running, or another process runs it already' },
  network: { code: 5, meaning: 'cannot listen, or no bootstrap address answered' },
  admission: { code: 6, meaning: 'not admitted, or not entitled: an invitation that is used up or ran out, a peer that was revoked, a decision that is for voters' },
  incompatible: { code: 7, meaning: 'Node too old, home of another format, model that no training backend here can run' },
  data: { code: 8, meaning: 'the data are missing, damaged, or do not fit the federation document' },
  storage: { code: 9, meaning: 'the home, the folder of an export or a report, or standard output cannot be read or written: disk full, damaged, wrong permissions' },
  privacy: { code: 10, meaning: 'the privacy budget is spent: the peer did its rounds but sent nothing in some of them, or nobody was left to average with' },
  training: { code: 12, meaning: 'training failed: the loss is not a number, or the worker died' },
  integrity: { code: 13, meaning: 'something is not what it was said to be: another peer id, another federation, privacy that an audit refutes' },
  partial: { code: 14, meaning: 'only a part succeeded (`grapevine-testnet`: some peers failed)' },
  different: { code: 15, meaning: '`grapevine document diff`: the documents are not the same' },
  interrupted: { code: 130, meaning: 'ended at once by a second Ctrl-C (SIGINT)' },
  terminated: { code: 143, meaning: 'ended at once by a second SIGTERM' }
} as const

export type ExitName = keyof typeof EXIT_CODES
