/**
 * The bound on norms against real private peers: noise makes a model longer than one that starts at zero, and nobody a
 * liar
 */
import { describe, expect, it } from 'vitest'
import { absoluteReplicas } from '../../src/codec/absolute-replicas.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { presetDocument } from '../../src/presets.ts'
import { noiseReach } from '../../src/privacy/mechanism.ts'
import { euclideanNorm, Inbox } from '../../src/round/inbox.ts'
import { seededNoise } from '../privacy/noise/seeded-noise.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'

const EXAMPLES = 40
const dataset = await loadDataset({ kind: 'digits', seed: 3, trainExamples: EXAMPLES, testExamples: 5 }, presetDocument('digits').model)
const backend = await loadBackend('cpu')
const codec = createCodec('float32')

const MECHANISM = { clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 100, delta: 1e-5 }
const SGD = { name: 'sgd' as const, learningRate: 0.1, momentum: 0 }
const ADAM = { name: 'adam' as const, learningRate: 0.1 }

const FEDERATIONS: Record<string, Pick<FederationInit, 'training' | 'privacy'>> = {
  'dp-sgd with Adam, one step': { training: { batchSize: 10, steps: 1, optimizer: ADAM }, privacy: { mechanism: 'dp-sgd', ...MECHANISM } },
  'dp-sgd with Adam, many steps': { training: { batchSize: 10, steps: 25, optimizer: ADAM }, privacy: { mechanism: 'dp-sgd', ...MECHANISM } },
  'dp-sgd with Adam, much noise': { training: { batchSize: 10, steps: 10, optimizer: ADAM }, privacy: { mechanism: 'dp-sgd', ...MECHANISM, noiseMultiplier: 50 } },
  'dp-sgd with momentum': { training: { batchSize: 10, steps: 10, optimizer: { ...SGD, momentum: 0.9 } }, privacy: { mechanism: 'dp-sgd', ...MECHANISM, noiseMultiplier: 5 } },
  'update-level': { training: { batchSize: 10, steps: 1, optimizer: SGD }, privacy: { mechanism: 'update-level', ...MECHANISM } }
}

function documentOf (changed: Pick<FederationInit, 'training' | 'privacy'>): FederationDocument {
  return parseFederation({ ...presetDocument('digits'), ...changed })
}

describe.each(Object.entries(FEDERATIONS))('the bound on norms: %s', (_, changed) => {
  const document = documentOf(changed)
  const training = new LocalTraining({ document, dataset, backend, seed: 1, noise: seededNoise('bound') })
  const { parameterCount } = training.plan
  const start = new Float32Array(parameterCount)
  const { parameters } = training.train(start, { round: 1 })

  const refusal = (sent: Float32Array, reach: number): string | undefined => {
    const inbox = new Inbox({ replicas: absoluteReplicas({ codec, parameterCount }), staleness: 1, reach })
    inbox.setRound(1, euclideanNorm(start))
    return inbox.put({ author: 'a', updateId: 'x', round: 1, sequence: 1, codec: 'float32', degree: 1, from: 'a', receivedAtMs: 0, payload: codec.encode(sent) })
  }

  it('lets in the first update of an honest peer', () => {
    expect(refusal(parameters, noiseReach(document, parameterCount, EXAMPLES))).toBeUndefined()
    // which is longer than what is let in without the noise
    expect(refusal(parameters, 0)).toBe('norm')
  })

  it('still refuses one that is much longer', () => {
    expect(refusal(parameters.map((value) => 60 * value), noiseReach(document, parameterCount, EXAMPLES))).toBe('norm')
  })
})

describe('the reach of noise', () => {
  it('is nothing without a mechanism', () => {
    expect(noiseReach(documentOf({ training: { batchSize: 10, steps: 1, optimizer: ADAM }, privacy: { mechanism: 'none' } }), 100, EXAMPLES)).toBe(0)
  })
})
