/**
 * `grapevine evaluate`: tests a version on the examples of this machine. Nothing is sent
 */
import { dataSettings } from '../data-settings.ts'
import { figureFields } from '../figures-text.ts'
import { formatCount, formatLoss, formatScore, formatVersion, splitText } from '../format.ts'
import { noteNewer, openHome } from '../home-reader.ts'
import { chooseModel } from '../version-choice.ts'
import { dataPartition, dataSource } from '../node-init.ts'
import type { VerbContext } from '../context.ts'
import type { HomeReader } from '../home-reader.ts'
import type { Settings } from '../settings.ts'
import type { CompleteVersion } from '../version-choice.ts'

export async function evaluate (context: VerbContext): Promise<number> {
  const { home, terminal, args } = context
  const reader = await openHome(home)
  try {
    const { version, parameters, document, weights } = await chooseModel(reader, args[0] ?? 'latest', { home, terminal })
    const trainer = await openTrainer({ document, weights }, dataSettings(context, reader), reader)
    try {
      const { backend, split } = await trainer.start()
      const result = await trainer.evaluate(parameters, { detailed: true })
      terminal.event('evaluate', { version: version.id, round: version.round, mixed: version.mixed, ...result, backend, ...(split === undefined ? {} : { split }) })
      terminal.line(`${formatVersion(version)}: ${formatScore(result)}, loss ${formatLoss(result.loss)} on ${formatCount(result.examples)} examples of this machine${splitText(split)}`)
      for (const [title, text] of figureFields(result)) {
        terminal.field(title, text)
      }
      await noteNewer(reader, version, terminal)
      return 0
    } finally {
      await trainer.stop()
    }
  } finally {
    await reader.close()
  }
}

async function openTrainer ({ document, weights }: Pick<CompleteVersion, 'document' | 'weights'>, settings: Settings, { running }: HomeReader) {
  const { createWorkerTrainer } = await import('../../src/model/worker-trainer.ts')
  const partition = dataPartition(settings)
  return createWorkerTrainer({
    document,
    weights,
    data: await dataSource(settings),
    // the backend that the peer found to be the fastest: no need to time them all again
    backend: settings.backend ?? running?.node.trainer?.backend ?? 'auto',
    threads: settings.threads ?? 1,
    ...(partition === undefined ? {} : { partition })
  })
}
