/**
 * The whole audit, on few generated digits: what it says of honest training, of training without noise, and of none
 */
import { describe, expect, it } from 'vitest'
import { parseFederation } from '../../src/federation/document.ts'
import { denseTopology } from '../../src/model/topology.ts'
import { presetDocument } from '../../src/presets.ts'
import { auditCaps, auditError } from '../../src/audit/audit-report.ts'
import { oneRunLowerBound } from '../../src/audit/one-run.ts'
import { runAudit } from '../../src/audit/run-audit.ts'
import { pldAccountant } from '../../src/privacy/accounting/pld.ts'
import { seededNoise } from '../privacy/noise/seeded-noise.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'
import type { AuditInit } from '../../src/audit/run-audit.ts'

const BATCH_SIZE = 100
const ROUNDS = 12
const DELTA = 1e-5
const DP_SGD: FederationInit['privacy'] = { mechanism: 'dp-sgd', clipNorm: 0.1, noiseMultiplier: 2, epsilonLimit: 1000, delta: DELTA }

const digits = presetDocument('digits')

function document (privacy: FederationInit['privacy']): FederationDocument {
  return parseFederation({
    ...digits,
    // softmax regression: seconds in all
    model: { ...digits.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: 10 }) },
    training: { steps: 2, batchSize: BATCH_SIZE, optimizer: { name: 'sgd', learningRate: 0.5, momentum: 0 } },
    privacy
  })
}

function init (privacy: FederationInit['privacy'], more: Partial<AuditInit> = {}): AuditInit {
  return {
    document: document(privacy),
    data: { kind: 'digits', seed: 4, trainExamples: 200, testExamples: 300 },
    backend: 'wasm',
    rounds: ROUNDS,
    canaries: 300,
    seed: 'a',
    noise: seededNoise('audit'),
    ...more
  }
}

describe('an audit of DP-SGD', () => {
  it('sets the lower bound beside the accounting of exactly that run, and finds no contradiction', async () => {
    const rounds: number[] = []
    const report = await runAudit(init(DP_SGD), { onProgress: ({ round }) => { rounds.push(round) } })
    expect(rounds).toEqual(Array.from({ length: ROUNDS }, (_, round) => round + 1))
    expect(report).toMatchObject({ mechanism: 'dp-sgd', backend: 'wasm', rounds: ROUNDS, steps: 2 * ROUNDS, examples: 200, verdict: 'ok' })
    const { canaries, claim, caps } = report
    // the sample rate is that of the examples and the canaries that were in
    const accountant = pldAccountant().compose({ sampleRate: BATCH_SIZE / (200 + canaries.included), noiseMultiplier: 2, steps: 2 * ROUNDS })
    expect(claim).toMatchObject({ delta: DELTA, epsilon: { pld: accountant.epsilon(DELTA) } })
    expect(claim!.epsilon.rdp).toBeGreaterThan(claim!.epsilon.pld)
    expect(canaries.lowerBound).toBeGreaterThan(0)
    expect(canaries.lowerBound).toBeLessThan(claim!.epsilon.pld)
    expect(canaries).toMatchObject({ canaries: 300, guesses: 120, confidence: 0.95, highestBound: oneRunLowerBound({ canaries: 300, guesses: 120, correct: 120 }, { delta: DELTA }) })
    expect(auditError(report)).toBeUndefined()
    expect(caps).toEqual(auditCaps(claim))
    for (const { auc } of [canaries.attack, report.inference.loss, report.inference.likelihoodRatio]) {
      expect(auc).toBeLessThan(caps.auc)
    }
  })

  it('calls missing noise a bug', async () => {
    const { sample } = seededNoise('audit')
    const report = await runAudit(init({ ...DP_SGD, noiseMultiplier: 6 }, { noise: { sample, addGaussian: () => {} } }))
    expect(report.verdict).toBe('violation')
    expect(auditError(report)).toMatchObject({ name: 'PrivacyViolationError', message: expect.stringContaining('this is a bug') as string })
  })

  it('finds missing noise in the built-in demo as it comes, with the settings that the verb has', async () => {
    const { sample } = seededNoise('demo')
    const report = await runAudit({
      document: presetDocument('digits-private'),
      data: { kind: 'digits', seed: 4, trainExamples: 4000, testExamples: 500 },
      backend: 'wasm',
      seed: 'a',
      noise: { sample, addGaussian: () => {} }
    })
    expect(report).toMatchObject({ examples: 4000, steps: 200, verdict: 'violation', canaries: { canaries: 400, guesses: 160 } })
  })

  it('charges no round whose learning rate has come down to zero, and takes none for a guess', async () => {
    const falling = document(DP_SGD)
    falling.training.optimizer.decayRounds = 3
    const report = await runAudit(init(DP_SGD, { document: falling, rounds: 5 }))
    expect(report).toMatchObject({ rounds: 5, steps: 6, verdict: 'ok' })
    expect(report.claim!.epsilon.pld).toBe(pldAccountant().compose({ sampleRate: BATCH_SIZE / (200 + report.canaries.included), noiseMultiplier: 2, steps: 6 }).epsilon(DELTA))
    expect(report.canaries.attack.auc).toBeGreaterThan(0.5)
  })

  it('audits a model on features that do not learn', async () => {
    const own = { ...presetDocument('mnist-private'), privacy: { ...document(DP_SGD).privacy, clipNorm: 2.5 } }
    const report = await runAudit(init(DP_SGD, { document: own, rounds: 8 }))
    expect(report).toMatchObject({ steps: 8, verdict: 'ok' })
    expect(report.canaries.attack.auc).toBeGreaterThan(0.5)
  })

  it('trains on as many of the own examples as asked for', async () => {
    const report = await runAudit(init(DP_SGD, { examples: 120, rounds: 1 }))
    expect(report.examples).toBe(120)
    expect(report.claim!.epsilon.pld).toBe(pldAccountant().compose({ sampleRate: BATCH_SIZE / (120 + report.canaries.included), noiseMultiplier: 2, steps: 2 }).epsilon(DELTA))
  })

  it('uses only part of a skewed dataset, and does not take its skew for a leak', async () => {
    const report = await runAudit(init(DP_SGD, {
      data: { kind: 'digits', seed: 4, trainExamples: 1000, testExamples: 1000 },
      partition: { index: 0, count: 5, strategy: 'shards', shardsPerPeer: 2, seed: 1 }
    }))
    expect(report.examples).toBe(200)
    const { members, loss } = report.inference
    expect(Math.abs(loss.auc - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 6 / members))
  })
})

describe('an audit of update-level privacy', () => {
  it('is judged by what it promises to single examples: half the noise', async () => {
    const report = await runAudit(init({ ...DP_SGD, mechanism: 'update-level' }, { rounds: 4 }))
    expect(report.verdict).toBe('ok')
    expect(report.claim!.epsilon.pld).toBe(pldAccountant().compose({ sampleRate: 1, noiseMultiplier: 1, steps: 4 }).epsilon(DELTA))
  })
})

describe('an audit without privacy', () => {
  it('shows the leak and claims no violation', async () => {
    const report = await runAudit(init({ mechanism: 'none' }, { rounds: 30 }))
    expect(report).toMatchObject({ mechanism: 'none', claim: null, verdict: 'none', caps: { auc: 1, advantage: 1 } })
    expect(report.caps.operatingPoints.map(({ truePositiveRate }) => truePositiveRate)).toEqual([1, 1])
    expect(report.canaries.lowerBound).toBeGreaterThan(2)
    expect(report.canaries.attack.auc).toBeGreaterThan(0.95)
    expect(report.inference.loss.auc).toBeGreaterThan(0.6)
    expect(report.inference.likelihoodRatio.auc).toBeGreaterThan(0.6)
    expect(auditError(report)).toBeUndefined()
  })
})

describe('an audit that cannot be', () => {
  it.each<[what: string, more: Partial<AuditInit>, message: string]>([
    ['too few canaries', { canaries: 19 }, 'canaries must be a whole number of at least 20, not 19'],
    ['half a canary', { canaries: 20.5 }, 'canaries must be a whole number'],
    ['no round', { rounds: 0 }, 'rounds must be a whole number of at least 1, not 0'],
    ['no examples', { examples: 0 }, 'examples must be a whole number of at least 1, not 0'],
    ['more examples than there are', { examples: 201 }, 'this peer has 200'],
    ['too few test examples', { data: { kind: 'digits', seed: 4, trainExamples: 200, testExamples: 8 } }, 'takes at least 10']
  ])('%s', async (_, more, message) => {
    await expect(runAudit(init(DP_SGD, more))).rejects.toThrow(message)
  })

  it('ends between two rounds when it is aborted', async () => {
    const controller = new AbortController()
    const rounds: number[] = []
    const audit = runAudit(init(DP_SGD), {
      signal: controller.signal,
      onProgress: ({ round }) => {
        rounds.push(round)
        controller.abort()
      }
    })
    await expect(audit).rejects.toMatchObject({ name: 'AbortError' })
    expect(rounds).toEqual([1])
  })
})
