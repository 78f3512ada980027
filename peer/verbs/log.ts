/**
 * `grapevine log`: the audit log of a home, whether its peer runs or not
 */
import { readFile } from 'node:fs/promises'
import { AuditLogDamagedError, auditLogFile } from '../../src/audit-log/audit-log.ts'
import { verifyLog } from '../../src/audit-log/verify.ts'
import { formatCount } from '../format.ts'
import { requirePeer } from '../home.ts'
import { LOG_ACTIONS } from '../log-actions.ts'
import { requireAction } from '../verb-actions.ts'
import { WholeFile } from '../whole-file.ts'
import type { AuditEntry } from '../../src/audit-log/entry.ts'
import type { AuditVerdict } from '../../src/audit-log/verify.ts'
import type { VerbContext } from '../context.ts'
import type { LogActionName } from '../log-actions.ts'

const DEFAULT_LIMIT = 20

const RUN: Record<LogActionName, (context: VerbContext, file: string) => Promise<void>> = { show, verify, export: exportLog }

/** Throws UsageError, NoHomeError, AuditLogDamagedError, and the file system's errors */
export async function log (context: VerbContext): Promise<number> {
  const args = context.args.length === 0 ? ['show'] : context.args
  const { name } = requireAction<LogActionName>('log', LOG_ACTIONS, { ...context, args })
  await requirePeer(context.home)
  await RUN[name](context, auditLogFile(context.home))
  return 0
}

async function show ({ settings: { limit = DEFAULT_LIMIT, kind }, terminal }: VerbContext, file: string): Promise<void> {
  let newest: AuditEntry[] = []
  const verdict = await verifyLog(file, {
    onEntry: (entry) => {
      if (kind === undefined || entry.kind === kind) {
        newest.push(entry)
        // now and then, not each time
        newest = newest.length > 2 * limit ? newest.slice(-limit) : newest
      }
    }
  })
  const entries = newest.slice(-limit)
  terminal.event('log', { entries, count: verdict.entries, head: verdict.head })
  for (const { seq, at, kind: what, detail } of entries) {
    terminal.line(`${String(seq).padStart(6)}  ${timeText(at)}  ${what.padEnd(15)}  ${JSON.stringify(detail)}`)
  }
  if (verdict.entries === 0) {
    terminal.note('the audit log is empty')
  }
  requireWhole(verdict, file)
}

async function verify ({ settings: { head: anchor }, terminal }: VerbContext, file: string): Promise<void> {
  const verdict = await verifyLog(file, anchor === undefined ? {} : { anchor })
  const { entries, firstAt, lastAt, head, damage, hasAnchor, tornBytes } = verdict
  terminal.event('log:verify', { entries, head, firstAt: firstAt ?? null, lastAt: lastAt ?? null, damage: damage ?? null, hasHead: anchor === undefined ? null : hasAnchor })
  requireWhole(verdict, file)
  if (!hasAnchor) {
    throw new AuditLogDamagedError(`${file} is a whole chain of ${formatCount(entries)} entries, and the head ${anchor!} is not in it: entries were changed, cut or written anew since it was noted`)
  }
  terminal.line(`${formatCount(entries)} ${entries === 1 ? 'entry' : 'entries'}, each follows from the one before${firstAt === undefined ? '' : `: ${timeText(firstAt)} to ${timeText(lastAt!)}`}`)
  terminal.field('Head', head.hash)
  if (tornBytes > 0) {
    terminal.note(`${formatCount(tornBytes)} bytes of an entry that was never finished follow; the next entry takes their place`)
  }
  if (anchor === undefined) {
    terminal.note('Only a head that was noted elsewhere shows later that nothing was cut off or written anew: grapevine log verify --head HASH')
  }
}

/** What was checked, and nothing behind it */
async function exportLog ({ settings: { output }, terminal }: VerbContext, file: string): Promise<void> {
  const verdict = await verifyLog(file)
  requireWhole(verdict, file)
  const { entries, head, goodBytes, lacksNewline } = verdict
  const bytes = entries === 0 ? Buffer.alloc(0) : (await readFile(file)).subarray(0, goodBytes)
  const text = lacksNewline ? `${bytes.toString('utf8')}\n` : bytes.toString('utf8')
  if (output === undefined) {
    if (terminal.isScreen) {
      text.trimEnd().split('\n').forEach((line) => { terminal.line(line) })
    } else {
      // byte for byte, because every byte is in the chain
      await terminal.rows(text)
    }
    return
  }
  const target = await WholeFile.create(output)
  try {
    await target.write(text)
    await target.finish()
  } finally {
    await target.discard()
  }
  terminal.event('log:export', { output, entries, head })
  terminal.line(`wrote ${formatCount(entries)} ${entries === 1 ? 'entry' : 'entries'} to ${output}`)
  terminal.field('Head', head.hash)
}

function requireWhole ({ damage }: AuditVerdict, file: string): void {
  if (damage !== undefined) {
    throw new AuditLogDamagedError(`${file}, line ${damage.line}: ${damage.reason}; what stands before that line is whole`)
  }
}

function timeText (at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19)
}
