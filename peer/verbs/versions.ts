/**
 * `grapevine versions`: the model versions of a home, newest first
 */
import { formatLoss, formatShare } from '../format.ts'
import { openHome } from '../home-reader.ts'
import type { VerbContext } from '../context.ts'
import type { ModelVersion } from '../../src/interface.ts'

const DEFAULT_LIMIT = 20

export async function versions ({ home, settings, terminal }: VerbContext): Promise<number> {
  const reader = await openHome(home)
  try {
    const list = await reader.versions({ limit: settings.limit ?? DEFAULT_LIMIT })
    terminal.event('versions', { versions: list })
    if (list.length === 0) {
      terminal.note('no model version yet')
    } else {
      terminal.line(row(['round', 'version', 'committed', 'accuracy', 'loss', 'mixed with']))
    }
    for (const version of list) {
      terminal.line(row(cells(version)))
    }
    return 0
  } finally {
    await reader.close()
  }
}

function cells ({ id, round, createdAt, metrics, parents }: ModelVersion): string[] {
  const committed = new Date(createdAt).toISOString().replace('T', ' ').slice(0, 19)
  return [String(round), id.slice(0, 12), committed, formatShare(metrics.accuracy), formatLoss(metrics.loss), String(metrics.accepted ?? Math.max(0, parents.length - 1))]
}

function row ([round, version, committed, accuracy, loss, mixed]: string[]): string {
  return `${round!.padStart(6)}  ${version!.padEnd(12)}  ${committed!.padEnd(19)}  ${accuracy!.padStart(8)}  ${loss!.padStart(7)}  ${mixed!.padStart(10)}`
}
