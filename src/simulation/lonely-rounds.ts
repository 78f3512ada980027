/**
 * The product's rounds of one peer that has no neighbours: what it would reach without the others
 */
import { createAggregator } from '../aggregators/aggregator.ts'
import { createCodec } from '../codec/codec.ts'
import { encodeFederation } from '../federation/document.ts'
import { federationId } from '../federation/federation-id.ts'
import { lastingController } from '../lasting-controller.ts'
import { roundSettings } from '../node/round-settings.ts'
import { RoundEngine } from '../round/round-engine.ts'
import { RoundStore } from './round-store.ts'
import { SimulatedMesh } from './simulated-mesh.ts'
import { LINKS } from './simulation-interface.ts'
import { VirtualClock } from './virtual-clock.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { AbortOptions } from '../interface.ts'
import type { RoundReport } from '../round/round-events.ts'
import type { RoundComponents } from '../round/round-interface.ts'

export interface LonelyRoundsInit extends AbortOptions {
  document: FederationDocument
  /** May do its work anywhere. The time that it takes does not count */
  trainer: RoundComponents['trainer']
  rounds: number
  /** Called after each round */
  onRound?: (report: RoundReport) => void
}

export interface LonelyRounds {
  /** The model after the last round, d elements */
  parameters: Float32Array
  /** Of the last round */
  report: RoundReport
}

/**
 * Evaluated in the last round only. No budget is charged: nothing is sent to anybody
 *
 * Rejects with what the trainer throws, as far as a node does not go on after it, and with the signal's reason
 */
export async function lonelyRounds ({ document, trainer, rounds, onRound, signal = lastingController().signal }: LonelyRoundsInit): Promise<LonelyRounds> {
  const bytes = encodeFederation(document)
  const id = federationId(bytes)
  // how many examples it has says how long a model may be that somebody else sends: nobody does
  const settings = roundSettings({ id, bytes, document, how: 'founded' }, { rounds, evaluateEvery: rounds, alone: 'train' }, { trainExamples: 1 })
  const clock = new VirtualClock()
  const codec = createCodec(document.codec.name)
  const { topology } = document
  const mesh = new SimulatedMesh(clock, { federation: id, topology, links: LINKS, maxPayloadBytes: codec.maxEncodedBytes(settings.parameterCount) })
  const network = mesh.join('alone')
  const store = new RoundStore(clock)
  const engine = new RoundEngine({ network, store, codec, clock, trainer: outside(trainer, clock), aggregator: createAggregator(document.aggregation) }, settings)
  engine.addEventListener('round:end', ({ detail }) => { onRound?.(detail) })
  await clock.run(engine.load())
  await network.start()
  await clock.run(engine.run(signal))
  return { parameters: (await store.parameters(engine.versions.newest!.id))!, report: engine.lastReport! }
}

/** Does what `trainer` does while the clock stands */
function outside (trainer: RoundComponents['trainer'], clock: VirtualClock): RoundComponents['trainer'] {
  return {
    initialParameters: async () => clock.outside(trainer.initialParameters()),
    train: async (parameters, options) => clock.outside(trainer.train(parameters, options)),
    evaluate: async (parameters, options) => clock.outside(trainer.evaluate(parameters, options)),
    sampleLoss: async (parameters, options) => clock.outside(trainer.sampleLoss(parameters, options))
  }
}
