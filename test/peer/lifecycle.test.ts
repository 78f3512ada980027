import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { describe, expect, it } from 'vitest'
import { DIGITS_DEFAULTS } from '../../src/data/digits.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { presetDocument } from '../../src/presets.ts'
import { createAccountant } from '../../src/privacy/accounting/accountants.ts'
import { PeerSet } from '../e2e/peer-driver.ts'
import { run } from './program.ts'
import type { ModelVersion } from '../../src/interface.ts'
import type { RoundReport } from '../../src/round/round-events.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']
const document = { ...presetDocument('digits'), name: 'pair', aggregation: { rule: 'mean' as const, f: 0 } }

/** One JSON line, and the exit code */
async function ask (args: readonly string[]): Promise<Record<string, unknown> & { exit: number }> {
  const { exit, stdout, stderr } = await run([...args, '--json'])
  const lines = stdout.trim().split('\n')
  expect(lines, stderr).toHaveLength(1)
  const { exit: told, ...answer } = JSON.parse(lines[0]!) as Record<string, unknown>
  return { ...answer, ...(told === undefined ? {} : { told }), exit: exit! }
}

/** Accuracy of an exported model on the test digits, with nothing of ours between the files and tfjs */
async function accuracyOfExport (directory: string): Promise<number> {
  tf.enableProdMode()
  await tf.setBackend('cpu')
  const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8')) as { modelTopology: object, weightsManifest: Array<{ weights: tf.io.WeightsManifestEntry[] }> }
  const bytes = new Uint8Array(await readFile(join(directory, 'weights.bin')))
  const model = await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest.flatMap(({ weights }) => weights), weightData: bytes.buffer }))
  const { test } = await loadDataset({ kind: 'digits', ...DIGITS_DEFAULTS }, document.model)
  const inputs = new Float32Array(test.count * test.featureCount)
  for (let i = 0; i < test.count; i++) {
    test.writeInputs(i, inputs, i * test.featureCount)
  }
  const outputs = model.predict(tf.tensor(inputs, [test.count, 28, 28, 1])) as tf.Tensor2D
  const predicted = await tf.argMax(outputs, 1).data()
  return test.labels.reduce((hits, label, i) => hits + (label === predicted[i] ? 1 : 0), 0) / test.count
}

describe('a home', () => {
  it('is made for its owner only, with commented settings, a key and a document, and explains itself when it is made again', async () => {
    await using peers = await PeerSet.create()
    const home = peers.home('a')
    const made = await ask(['init', '--home', home, '--rounds', '5', '--backend', 'wasm'])
    expect(made).toMatchObject({ type: 'init', created: true, home, exit: 0, trainer: { backend: 'wasm', parameterCount: 4_010 }, federation: { name: 'digits-private' } })
    expect(((await stat(home)).mode & 0o777).toString(8)).toBe('700')
    for (const file of ['identity.key', 'grapevine.toml', 'federation.json']) {
      expect(((await stat(join(home, file))).mode & 0o777).toString(8), file).toBe('600')
    }
    const config = await readFile(join(home, 'grapevine.toml'), 'utf8')
    expect(config).toMatch(/\n# stop after round N of the federation\nrounds = 5\n/)
    // digits of its own: private data that everybody has would teach nobody anything
    expect(config).toMatch(/\ndata = "digits:\d+"\n/)
    expect(config).not.toMatch(/threads|json/)

    expect(await ask(['init', '--home', home])).toMatchObject({ type: 'error', code: 'GRAPEVINE_E_HOME_EXISTS', exit: 3 })
    expect(await ask(['init', '--home', home, '--if-missing'])).toMatchObject({ type: 'init', created: false, exit: 0, federation: { name: 'digits-private' } })
    expect(await readFile(join(home, 'grapevine.toml'), 'utf8')).toBe(config)

    expect(await ask(['status', '--home', home])).toMatchObject({ running: false, round: 0, lastRound: null, federation: { name: 'digits-private' }, exit: 4 })
    // looking at it has not made a database
    expect(existsSync(join(home, 'db'))).toBe(false)
  })

  it('gets a model that fits the table it is made for', async () => {
    await using peers = await PeerSet.create()
    const file = join(peers.folder, 'iris clone.csv')
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${i % 3 === 0 ? 'red' : 'blue'},${i % 2 === 0 ? 'yes' : 'no'}`)
    await writeFile(file, `size,colour,answer\n${rows.join('\n')}\n`)
    const home = peers.home('table')
    expect(await ask(['init', '--home', home, '--data', `csv:${file}`, '--label', 'answer', '--backend', 'wasm'])).toMatchObject({ created: true, federation: { name: 'iris clone' }, trainer: { trainExamples: 48, testExamples: 12 } })
    const { model } = JSON.parse(await readFile(join(home, 'federation.json'), 'utf8')) as { model: { labels: string[], input: object } }
    expect(model.labels.toSorted()).toEqual(['no', 'yes'])
    expect(model.input).toMatchObject({ kind: 'table', label: 'answer', columns: [{ kind: 'numeric', name: 'size' }, { kind: 'categorical', name: 'colour' }] })
  })

  it('is closed to others even when the folder was there, open, before', async () => {
    await using peers = await PeerSet.create()
    const home = peers.home('open')
    await mkdir(home)
    await chmod(home, 0o755)
    expect(await ask(['init', '--home', home, '--backend', 'wasm'])).toMatchObject({ exit: 0 })
    expect(((await stat(home)).mode & 0o777).toString(8)).toBe('700')
  })
})

describe('two peers', () => {
  it('go on without sending when their privacy budget is spent, and end with exit code 10', async () => {
    await using peers = await PeerSet.create()
    const file = join(peers.folder, 'federation.json')
    const training = { ...document.training, epochs: 1 }
    const step = { sampleRate: 32 / 8000, noiseMultiplier: 0.8, steps: 250 }
    const one = createAccountant('rdp').compose(step)
    // enough for the first round, and not for the second
    const epsilonLimit = (one.epsilon(1e-5) + one.compose(step).epsilon(1e-5)) / 2
    await writeFile(file, JSON.stringify({ ...document, training, privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 0.8, epsilonLimit, delta: 1e-5, accountant: 'rdp' } }))
    const common = ['--rounds', '2', '--ledgers', join(peers.folder, 'ledgers'), '--data', 'digits', ...LOOPBACK]
    const first = peers.spawn('first', ['start', '--federation', file, '--partition', '1/2', ...common])
    const second = peers.spawn('second', ['join', await first.address(), '--partition', '2/2', ...common])
    expect(await first.line('privacy:exhausted')).toMatchObject({ round: 2, status: { scope: 'example', delta: 1e-5, accountant: 'rdp', limit: epsilonLimit, exhausted: true } })
    expect([await first.exited, await second.exited]).toMatchObject([{ code: 10 }, { code: 10 }])
    const [spending, observing] = first.rounds as unknown as RoundReport[]
    expect(spending!.privacy!.epsilon.rdp).toBeCloseTo(one.epsilon(1e-5), 9)
    expect(spending!.examples).toBeGreaterThan(0)
    expect(observing).toMatchObject({ examples: 0, trainLoss: null, privacy: { epsilon: spending!.privacy!.epsilon } })

    // a stopped peer's budget needs no training backend, and is the same as what it said
    const after = await ask(['privacy', '--home', peers.home('first')])
    expect(after).toMatchObject({ running: false, epsilon: spending!.privacy!.epsilon, exhausted: true, roundsLeft: 0, exit: 0 })
    expect(await ask(['privacy', 'ledger', 'verify', '--home', peers.home('first')])).toMatchObject({ entries: 1, firstBad: null })
    expect(await ask(['status', '--home', peers.home('first')])).toMatchObject({ running: false, privacy: { exhausted: true } })
  })

  it('learn together, can be looked into while they run and after, stop on a signal and resume', async () => {
    await using peers = await PeerSet.create()
    const file = join(peers.folder, 'federation.json')
    await writeFile(file, JSON.stringify(document))
    const first = peers.spawn('first', ['start', '--federation', file, '--data', 'digits', '--partition', '1/2', '--keep-versions', '1000', ...LOOPBACK])
    const second = peers.spawn('second', ['join', await first.address(), '--data', 'digits', '--partition', '2/2', ...LOOPBACK])
    expect(await first.line('joined')).toMatchObject({ how: 'founded', name: 'pair', round: 0, backend: 'wasm' })
    expect(await second.line('joined')).toMatchObject({ how: 'joined', name: 'pair' })
    expect(await first.line('mesh:ready')).toMatchObject({ members: 2, neighbours: 1 })
    expect(await first.line('round:end', ({ accepted }) => accepted === 1)).toMatchObject({ keptOwn: false, rejected: {} })
    const home = peers.home('first')

    const running = await ask(['status', '--home', home])
    expect(running).toMatchObject({ running: true, exit: 0, status: 'training', federation: { name: 'pair' }, neighbours: [{ live: true }], trainer: { backend: 'wasm', trainExamples: DIGITS_DEFAULTS.trainExamples / 2 } })
    expect(running['connections']).toHaveLength(1)

    const { versions } = await ask(['versions', '--home', home, '--limit', '3']) as unknown as { versions: ModelVersion[] }
    const [newest] = versions
    const evaluation = await ask(['evaluate', newest!.id.slice(0, 12), '--home', home])
    // the same data, and the same numbers as the peer itself found
    expect(evaluation).toMatchObject({ type: 'evaluate', version: newest!.id, round: newest!.round, examples: DIGITS_DEFAULTS.testExamples })
    expect(evaluation['accuracy']).toBeCloseTo(newest!.metrics.accuracy!, 6)
    expect(evaluation['loss']).toBeCloseTo(newest!.metrics.loss!, 4)

    const model = join(peers.folder, 'exported', 'model')
    expect(await ask(['export', newest!.id, model, '--home', home])).toMatchObject({ type: 'export', version: newest!.id, directory: model, exit: 0 })
    expect(await accuracyOfExport(model)).toBeCloseTo(newest!.metrics.accuracy!, 2)
    expect(await ask(['export', newest!.id, model, '--home', home])).toMatchObject({ type: 'error', code: 'GRAPEVINE_E_FOLDER_TAKEN', exit: 2 })
    expect(await ask(['export', 'ffffffff', join(model, 'x'), '--home', home])).toMatchObject({ code: 'GRAPEVINE_E_NO_SUCH_VERSION', exit: 2 })

    expect(await first.stop()).toMatchObject({ code: 0 })
    const stopped = await first.line('stopped')
    expect(stopped).toMatchObject({ reason: 'request' })
    expect(first.stderr).toContain('stopping (Ctrl-C again ends at once)')
    expect(existsSync(join(home, 'control.json'))).toBe(false)
    const last = first.rounds.at(-1)!
    const after = await ask(['status', '--home', home])
    expect(after).toMatchObject({ running: false, exit: 4, federation: { name: 'pair' }, lastRound: { round: last['round'], accuracy: last['accuracy'] } })
    expect(await ask(['evaluate', '--home', home])).toMatchObject({ round: (after['latestVersion'] as ModelVersion).round, exit: 0 })

    const again = peers.spawn('first', ['start'])
    const resumed = await again.line('joined')
    expect(resumed).toMatchObject({ how: 'resumed', name: 'pair' })
    // a round that was published before it could be committed is not published again
    expect((resumed['round'] as number) - (stopped['round'] as number)).toBeOneOf([0, 1])
    const mixed = await again.line('round:end', ({ accepted }) => accepted === 1)
    expect(mixed['round']).toBeGreaterThan(stopped['round'] as number)
    expect(await again.stop()).toMatchObject({ code: 0 })
    expect(await second.stop()).toMatchObject({ code: 0 })
  }, 120_000)

  it('end by themselves after the last round, for people in plain lines', async () => {
    await using peers = await PeerSet.create()
    const { exit, stdout, stderr } = await run(['start', '--home', peers.home('alone'), '--preset', 'digits', '--partition', '1/40', '--min-members', '1', '--alone', 'train', '--rounds', '2', ...LOOPBACK])
    expect(exit).toBe(0)
    expect(stdout).toMatch(/^round 1 {2}accuracy \d+\.\d % {2}loss .*\nround 2 {2}accuracy .*\n$/)
    expect(stderr).toContain('Join from this machine (loopback only')
    expect(stderr).toMatch(/\n {2}grapevine join \/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW\w+\n/)
    expect(stderr).toContain('all rounds done: stopped after round 2\n')
    expect(stderr).not.toContain('TensorFlow')
    expect(stderr).not.toContain('\u001b')
  })

  it('are warned in so many words when they lie', async () => {
    await using peers = await PeerSet.create()
    const { exit, stderr } = await run(['start', '--home', peers.home('liar'), '--preset', 'digits', '--partition', '1/40', '--min-members', '1', '--alone', 'train', '--rounds', '1', '--attack', 'sign-flip', '--quiet', ...LOOPBACK])
    expect(exit).toBe(0)
    expect(stderr).toContain('warning: THIS PEER LIES TO ITS NEIGHBOURS (--attack sign-flip): for simulations only\n')
    // not for the next start
    expect(await readFile(join(peers.home('liar'), 'grapevine.toml'), 'utf8')).not.toContain('attack')
  })
})
