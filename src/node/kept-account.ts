/**
 * What a governor accounts for goes into the audit log, in order; a log that cannot be written stops nothing
 */
import type { AuditDetail, AuditKind, AuditLog } from '../audit-log/audit-log.ts'
import type { Account } from '../governor/governor-interface.ts'

export interface KeptAccount {
  account: Account
  joined: (federation: string, how: string) => void
  /** When all is written that can be */
  close: () => Promise<void>
}

/** @param warn - Called once, with the first failure */
export function keepAccount (log: AuditLog, warn: (message: string) => void): KeptAccount {
  let isTold = false
  const append = (kind: AuditKind, detail: AuditDetail): void => {
    log.append(kind, detail).catch((err: unknown) => {
      if (!isTold) {
        isTold = true
        warn(`the audit log cannot be written, and lacks what happens from now on (${err instanceof Error ? err.message : String(err)}): see grapevine log verify`)
      }
    })
  }
  return {
    // the log refuses a field that it does not know
    account: (kind, detail) => { append(kind, detail) },
    joined: (federation, how) => { append('joined', { federation, how }) },
    close: async () => log.close()
  }
}
