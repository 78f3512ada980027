/**
 * `grapevine privacy` of a home whose data have examples in common with other data of this user: their charges count,
 * as they do in a peer
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseFolder, makeHome, writeConfig, writeFoundingDocument } from '../../peer/home.ts'
import { Terminal } from '../../peer/terminal.ts'
import { privacy } from '../../peer/verbs/privacy.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { presetDocument } from '../../src/presets.ts'
import { createAccountant } from '../../src/privacy/accounting/accountants.ts'
import { writeDatasetRecord } from '../../src/ledger/dataset-record.ts'
import { exampleDigests, fingerprintOf, flatRows } from '../../src/data/fingerprint.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { ledgerSecret } from '../../src/ledger/similar-ledgers.ts'
import { sketchOf } from '../../src/data/sketch.ts'
import { roundCharge } from '../../src/privacy/mechanism.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import type { Settings } from '../../peer/settings.ts'

const EXAMPLES = 1000
const CLIP_NORM = 1.5
const DELTA = 1e-5
const WHO = { federation: 'bafyexample', peer: '12D3KooWexample' }

const document = parseFederation({
  ...presetDocument('digits'),
  training: { steps: 10, batchSize: 40, optimizer: { name: 'sgd', learningRate: 0.1 } },
  privacy: { mechanism: 'dp-sgd', clipNorm: CLIP_NORM, noiseMultiplier: 1.1, epsilonLimit: 8, delta: DELTA, accountant: 'pld' }
})
const CHARGE = roundCharge(document, EXAMPLES)!

let folder: string
let home: string
let root: string

/** Charges these rounds to examples number `from` to `from + EXAMPLES` of an endless set. Returns its fingerprint */
async function spend (from: number, rounds: readonly number[]): Promise<string> {
  const digests = exampleDigests(flatRows(Float32Array.from({ length: EXAMPLES }, (_, i) => from + i), new Uint16Array(EXAMPLES)))
  const fingerprint = fingerprintOf(digests)
  const ledger = createLedger({ root, fingerprint, identity: { sketch: sketchOf(digests, await ledgerSecret(root)) }, clock: { now: () => 0 } })
  await ledger.open()
  for (const round of rounds) {
    await ledger.reserve({ ...CHARGE, ...WHO, clipNorm: CLIP_NORM, round })
  }
  await ledger.close()
  return fingerprint
}

async function publish (round: number): Promise<void> {
  const store = createLevelStore({ location: databaseFolder(home), clock: { now: () => 0 } })
  await store.open()
  await store.putPublication({ round, sequence: round })
  await store.close()
}

async function ask (args: readonly string[], settings: Settings = {}): Promise<Record<string, unknown>> {
  const stdout = new PassThrough()
  const stderr = new PassThrough() as unknown as NodeJS.WriteStream
  const terminal = new Terminal({ json: true, quiet: true, verbose: false, colour: false, environment: {}, stdout: stdout as unknown as NodeJS.WriteStream, stderr })
  const origins = Object.fromEntries(Object.keys(settings).map((name) => [name, 'flag' as const]))
  expect(await privacy({ home, settings, origins, terminal, args })).toBe(0)
  return JSON.parse(String(stdout.read())) as Record<string, unknown>
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-overlap-'))
  home = join(folder, 'home')
  root = join(folder, 'ledgers')
  await makeHome(home)
  await writeConfig(home, {})
  await writeFoundingDocument(home, document)
  // rounds 1 and 2, and 3 to 5 after one example was exchanged, by the same peer
  const fingerprint = await spend(0, [1, 2])
  await spend(1, [3, 4, 5])
  await writeDatasetRecord(home, { ...WHO, fingerprint, examples: EXAMPLES, ledgers: root })
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('grapevine privacy on data that share examples with others', () => {
  it('shows what was spent on both', async () => {
    const epsilon = createAccountant('pld').compose({ ...CHARGE, steps: 5 * CHARGE.steps }).epsilon(DELTA)
    expect((await ask([]) as { epsilon: { pld: number } }).epsilon.pld).toBeCloseTo(epsilon, 9)
  })

  it('finds what the home published in either ledger, and misses what is in neither', async () => {
    await publish(5)
    await expect(ask([])).resolves.toMatchObject({ type: 'privacy' })
    await publish(6)
    await expect(ask([])).rejects.toMatchObject({ name: 'LedgerRollbackError' })
  })

  it('charges by hand from the last round of either on', async () => {
    expect(await ask(['ledger', 'charge'], { rounds: 2 })).toMatchObject({ entry: { round: 7, steps: 2 * CHARGE.steps } })
  })
})
