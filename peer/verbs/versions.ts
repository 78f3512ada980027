/**
 * `grapevine versions`: the model versions of a home, newest first
 */
import { UsageError } from '../errors.ts'
import { formatLoss, formatShare, mixedWith } from '../format.ts'
import { openHome, warnOfLoss } from '../home-reader.ts'
import type { RunVerb, VerbContext } from '../context.ts'
import type { VersionPointers } from '../home-reader.ts'
import type { ModelVersion } from '../../src/interface.ts'

const DEFAULT_LIMIT = 20

/** Throws UsageError */
export async function versions (context: VerbContext): Promise<number> {
  const [action, selector] = context.args
  if (action === undefined) {
    return await listVersions(context)
  }
  if (action !== 'rollback') {
    throw new UsageError(`there is no "grapevine versions ${action}": known is grapevine versions rollback VERSION`)
  }
  if (selector === undefined) {
    throw new UsageError('grapevine versions rollback needs the version to go back to')
  }
  const run: RunVerb = (await import('./versions-rollback.ts')).rollback
  return await run(context)
}

async function listVersions ({ home, settings, terminal }: VerbContext): Promise<number> {
  const reader = await openHome(home)
  try {
    await warnOfLoss(reader, terminal)
    const list = await reader.versions({ limit: settings.limit ?? DEFAULT_LIMIT })
    const pointers = await reader.pointers()
    terminal.event('versions', { versions: list, newest: pointers.newest?.id ?? null, latest: pointers.latest?.id ?? null })
    if (list.length === 0) {
      terminal.note('no model version yet')
    } else {
      terminal.line(row(['round', 'version', 'committed', 'accuracy', 'loss', 'mixed with', '']))
    }
    for (const version of list) {
      terminal.line(row(cells(version, pointers)))
    }
    return 0
  } finally {
    await reader.close()
  }
}

function cells (version: ModelVersion, pointers: VersionPointers): string[] {
  const { id, round, createdAt, metrics } = version
  const committed = new Date(createdAt).toISOString().replace('T', ' ').slice(0, 19)
  const names = (['latest', 'newest'] as const).filter((name) => pointers[name]?.id === id)
  return [String(round), id.slice(0, 12), committed, formatShare(metrics.accuracy), formatLoss(metrics.loss), mixedWith(version), names.join(', ')]
}

function row ([round, version, committed, accuracy, loss, mixed, names]: string[]): string {
  return `${round!.padStart(6)}  ${version!.padEnd(12)}  ${committed!.padEnd(19)}  ${accuracy!.padStart(8)}  ${loss!.padStart(7)}  ${mixed!.padStart(10)}  ${names!}`.trimEnd()
}
