/**
 * One entry in the audit log of a home, by a verb: whether the peer of that home runs or not
 */
import { openAuditLog } from '../src/audit-log/audit-log.ts'
import type { AuditDetail, AuditKind } from '../src/audit-log/audit-log.ts'
import type { Terminal } from './terminal.ts'

/** What was done is done: where the log cannot be written a warning says so */
export async function recordInLog<Kind extends AuditKind> (home: string, terminal: Pick<Terminal, 'warn'>, kind: Kind, detail: AuditDetail<Kind>): Promise<void> {
  try {
    await openAuditLog(home, Date.now).append(kind, detail)
  } catch (err) {
    terminal.warn(`the audit log cannot be written, and lacks this (${kind}): ${(err as Error).message}`)
  }
}
