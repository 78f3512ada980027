/**
 * `grapevine evaluate`: tests a version on the examples of this machine. Nothing is sent
 */
import { dataSettings } from '../data-settings.ts'
import { ControlError } from '../errors.ts'
import { formatCount, formatLoss, formatShare, formatVersion, splitText } from '../format.ts'
import { noteNewer, openHome, requireVersion, warnOfLoss } from '../home-reader.ts'
import { dataPartition, dataSource } from '../node-init.ts'
import type { VerbContext } from '../context.ts'
import type { HomeReader } from '../home-reader.ts'
import type { Settings } from '../settings.ts'

export async function evaluate (context: VerbContext): Promise<number> {
  const { home, terminal, args } = context
  const reader = await openHome(home)
  try {
    await warnOfLoss(reader, terminal)
    const { version, parameters } = await requireVersion(reader, args[0] ?? 'latest')
    const document = await reader.federation()
    if (document === undefined) {
      throw new ControlError(`${home} holds version ${version.id}, but no federation document`)
    }
    const trainer = await openTrainer(document, dataSettings(context, reader), reader)
    try {
      const { backend, split } = await trainer.start()
      const result = await trainer.evaluate(parameters)
      terminal.event('evaluate', { version: version.id, round: version.round, mixed: version.mixed, ...result, backend, ...(split === undefined ? {} : { split }) })
      terminal.line(`${formatVersion(version)}: accuracy ${formatShare(result.accuracy)}, loss ${formatLoss(result.loss)} on ${formatCount(result.examples)} examples of this machine${splitText(split)}`)
      await noteNewer(reader, version, terminal)
      return 0
    } finally {
      await trainer.stop()
    }
  } finally {
    await reader.close()
  }
}

async function openTrainer (document: NonNullable<Awaited<ReturnType<HomeReader['federation']>>>, settings: Settings, { running }: HomeReader) {
  const { createWorkerTrainer } = await import('../../src/model/worker-trainer.ts')
  const partition = dataPartition(settings)
  return createWorkerTrainer({
    document,
    data: await dataSource(settings),
    // the backend that the peer found to be the fastest: no need to time them all again
    backend: settings.backend ?? running?.node.trainer?.backend ?? 'auto',
    threads: settings.threads ?? 1,
    ...(partition === undefined ? {} : { partition })
  })
}
