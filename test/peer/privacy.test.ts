import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ControlServer } from '../../peer/control/control-server.ts'
import { reportError } from '../../peer/error-report.ts'
import { formatCount } from '../../peer/format.ts'
import { proposal } from '../../peer/founding.ts'
import { databaseFolder, makeHome, writeConfig, writeFoundingDocument } from '../../peer/home.ts'
import { formatDelta, formatEpsilon, formatPromise, formatSpent, whyTheyDiffer } from '../../peer/privacy-text.ts'
import { Terminal } from '../../peer/terminal.ts'
import { privacy } from '../../peer/verbs/privacy.ts'
import { DIGITS_DEFAULTS } from '../../src/data/digits.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { presetDocument } from '../../src/presets.ts'
import { createAccountant } from '../../src/privacy/accounting/accountants.ts'
import { readDatasetRecord, writeDatasetRecord } from '../../src/ledger/dataset-record.ts'
import { epsilonsAfter } from '../../src/privacy/forecast.ts'
import { identityOf } from '../../src/data/dataset-identity.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { ledgerSecret } from '../../src/ledger/similar-ledgers.ts'
import { roundCharge } from '../../src/privacy/mechanism.ts'
import { openBudget, requireCharged } from '../../src/ledger/open-budget.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { FakeNode } from './fake-node.ts'
import type { ErrorReport } from '../../peer/error-report.ts'
import type { Settings } from '../../peer/settings.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { PrivacyStatus } from '../../src/privacy/budget.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { PrivateSettings } from '../../src/federation/privacy-settings.ts'

const foundingDocument = async (settings: Settings): Promise<FederationDocument> => (await proposal(settings)).document

const FINGERPRINT = 'ab'.repeat(32)
const FEDERATION = 'bafyexample'
const PEER = '12D3KooWexample'
const EXAMPLES = 4000

const settings: PrivateSettings = { mechanism: 'dp-sgd', clipNorm: 1.5, noiseMultiplier: 1.1, epsilonLimit: 3, delta: 1e-5, accountant: 'pld' }
const document = parseFederation({ ...presetDocument('digits'), training: { epochs: 1, batchSize: 40, optimizer: { name: 'sgd', learningRate: 0.1 } }, privacy: settings })
const CHARGE = roundCharge(document, EXAMPLES)!

let folder: string
let home: string
let root: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-privacy-'))
  home = join(folder, 'home')
  root = join(folder, 'ledgers')
  await makeHome(home)
  await writeConfig(home, {})
  await writeFoundingDocument(home, document)
  await writeDatasetRecord(home, { federation: FEDERATION, peer: PEER, fingerprint: FINGERPRINT, examples: EXAMPLES, ledgers: root })
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** The verb with these flags, in this process: its answer as JSON, and as people read it */
async function ask (args: readonly string[], flags: Settings = {}): Promise<{ answer: Record<string, unknown>, text: string, warnings: string }> {
  const origins = Object.fromEntries(Object.keys(flags).map((name) => [name, 'flag' as const]))
  const stderr = new PassThrough() as unknown as NodeJS.WriteStream
  const run = async (json: boolean): Promise<string> => {
    const stdout = new PassThrough() as unknown as NodeJS.WriteStream
    const terminal = new Terminal({ json, quiet: true, verbose: false, colour: false, environment: {}, stdout, stderr })
    expect(await privacy({ home, settings: flags, origins, terminal, args })).toBe(0)
    return String((stdout as unknown as PassThrough).read() ?? '')
  }
  // what changes the ledger runs once
  const text = args.includes('charge') ? '' : await run(false)
  return { answer: JSON.parse(await run(true)) as Record<string, unknown>, text, warnings: String((stderr as unknown as PassThrough).read() ?? '') }
}

async function withLedger<T> (use: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = createLedger({ root, fingerprint: FINGERPRINT, clock: { now: () => 1_700_000_000_000 } })
  await ledger.open()
  try {
    return await use(ledger)
  } finally {
    await ledger.close()
  }
}

/** What the home says it published last */
async function publish (round: number): Promise<void> {
  const store = createLevelStore({ location: databaseFolder(home), clock: { now: () => 0 } })
  await store.open()
  await store.putPublication({ round, sequence: round })
  await store.close()
}

/** Overwrites one entry */
async function damage (index: number): Promise<void> {
  const files = new Level<string, Uint8Array>(join(root, FINGERPRINT), { keyEncoding: 'utf8', valueEncoding: 'view', compression: false, createIfMissing: false })
  await files.open()
  await files.put(`entry/${String(index).padStart(16, '0')}`, new Uint8Array([1, 2, 3]))
  await files.close()
}

/** The line that people read when rounds are charged by hand */
async function charged (rounds: number): Promise<string> {
  const stdout = new PassThrough()
  const terminal = new Terminal({ json: false, quiet: true, verbose: false, colour: false, environment: {}, stdout: stdout as unknown as NodeJS.WriteStream, stderr: new PassThrough() as unknown as NodeJS.WriteStream })
  await privacy({ home, settings: { rounds }, origins: { rounds: 'flag' }, terminal, args: ['ledger', 'charge'] })
  return String(stdout.read())
}

async function refusalOf (args: readonly string[], flags: Settings = {}): Promise<ErrorReport> {
  return reportError(await ask(args, flags).then(() => undefined, (err: unknown) => err))
}

/** Why a node would not train on these data */
async function startSays (): Promise<string> {
  const dataset = { fingerprint: FINGERPRINT, sketch: { hashes: new Uint8Array(), complete: true } }
  const error = await openBudget({ document, federation: FEDERATION, peer: PEER, exampleCount: EXAMPLES, dataset, root, clock: { now: () => 0 } }).then(() => undefined, (err: unknown) => err)
  return (error as Error).message
}

async function spend (rounds: number): Promise<void> {
  await withLedger(async (ledger) => {
    for (let round = 1; round <= rounds; round++) {
      await ledger.reserve({ ...CHARGE, clipNorm: 1.5, round, federation: FEDERATION, peer: PEER })
    }
  })
}

function epsilonOf (rounds: number, accountant: 'pld' | 'rdp', noiseMultiplier = 1.1): number {
  return createAccountant(accountant).compose({ ...CHARGE, noiseMultiplier, steps: CHARGE.steps * rounds }).epsilon(1e-5)
}

describe('what is remembered of the dataset', () => {
  it('can be read by its owner only, and comes back as it was written', async () => {
    expect(((await stat(join(home, 'privacy.json'))).mode & 0o777).toString(8)).toBe('600')
    expect(await readDatasetRecord(home)).toEqual({ federation: FEDERATION, peer: PEER, fingerprint: FINGERPRINT, examples: EXAMPLES, ledgers: root })
  })

  it.each(['', '{', '[]', '{"format":2}', '{"format":1,"federation":"f","peer":"p","fingerprint":"../x","examples":1,"ledgers":"/"}'])('is nothing when the file holds %j', async (text) => {
    await writeFile(join(home, 'privacy.json'), text)
    expect(await readDatasetRecord(home)).toBeUndefined()
  })
})

describe('grapevine privacy show', () => {
  it('tells what was spent by both accountants, what a round costs and how many are left', async () => {
    await spend(4)
    const { answer, text } = await ask([])
    expect(answer).toMatchObject({
      type: 'privacy', mechanism: 'dp-sgd', scope: 'example', delta: 1e-5, accountant: 'pld', limit: 3, exhausted: false, noiseMultiplier: 1.1, clipNorm: 1.5, sampleRate: 0.01, stepsPerRound: 100, examples: EXAMPLES, running: false
    })
    const { epsilon, afterNextRound, roundsLeft } = answer as unknown as { epsilon: PrivacyStatus['epsilon'], afterNextRound: PrivacyStatus['epsilon'], roundsLeft: number }
    expect(epsilon.pld).toBeCloseTo(epsilonOf(4, 'pld'), 9)
    expect(epsilon.rdp).toBeCloseTo(epsilonOf(4, 'rdp'), 9)
    expect(afterNextRound.pld).toBeCloseTo(epsilonOf(5, 'pld'), 9)
    expect(epsilonOf(4 + roundsLeft, 'pld')).toBeLessThanOrEqual(3)
    expect(epsilonOf(5 + roundsLeft, 'pld')).toBeGreaterThan(3)
    expect(text).toMatch(/^Not covered {1}what you see/m)
  })

  it('takes the stricter limit, and says when nothing is left', async () => {
    await spend(4)
    const { answer, text } = await ask(['show'], { epsilonLimit: epsilonOf(4, 'pld') })
    expect(answer).toMatchObject({ limit: epsilonOf(4, 'pld'), federationLimit: 3, exhausted: true, roundsLeft: 0 })
    expect(text).toContain('Rounds left none: this peer sends nothing more')
  })

  it('never names an epsilon without its delta, accountant and scope', async () => {
    await spend(1)
    for (const { text } of [await ask(['show']), await ask(['forecast'], { rounds: 3 }), await ask(['plan'], { epsilon: 2, rounds: 5 })]) {
      for (const line of text.split('\n').filter((one) => /epsilon [\d.]/.test(one))) {
        expect(line).toMatch(/\(delta 1e-5, (pld|rdp), per example\)/)
      }
    }
  })

  it('looks without making a ledger, and says so of a federation without privacy', async () => {
    expect((await ask([])).answer).toMatchObject({ epsilon: { rdp: 0, pld: 0 } })
    await expect(stat(root)).rejects.toThrow('ENOENT')
    await writeFoundingDocument(home, parseFederation({ ...document, privacy: { mechanism: 'none' } }))
    expect((await ask([])).answer).toMatchObject({ mechanism: 'none' })
  })

  it('says what to do in a home whose peer never ran and so has no ledger', async () => {
    await rm(join(home, 'privacy.json'))
    for (const action of [['ledger'], ['ledger', 'verify'], ['ledger', 'charge']]) {
      const error = await ask(action, action.includes('charge') ? { rounds: 1 } : {}).catch((err: unknown) => err)
      expect(reportError(error)).toMatchObject({ code: 'GRAPEVINE_E_NO_LEDGER', exit: 3 })
    }
  })

  it('answers before the first start from the data themselves, and makes nothing', async () => {
    await rm(join(home, 'privacy.json'))
    const before = await readdir(home)
    const part = { partition: '1/3', ledgers: root }
    const examples = (await loadDataset({ kind: 'digits', ...DIGITS_DEFAULTS }, document.model, { index: 0, count: 3, seed: 1, strategy: 'iid' })).train.count
    const charge = roundCharge(document, examples)!
    const fresh = await ask(['forecast'], { ...part, rounds: 4 })
    expect(fresh.answer).toMatchObject({ epsilon: { rdp: 0, pld: 0 }, after: epsilonsAfter({ settings, charge, totals: [] }, 4) })
    expect((await ask([], part)).answer).toMatchObject({ examples, started: false, inherited: [] })
    await expect(stat(root)).rejects.toThrow('ENOENT')
    expect(await readdir(home)).toEqual(before)
  })

  it.each([
    ['the same data', '1/3', 0],
    ['data that overlap with them', undefined, 1]
  ])('counts before the first start what another home spent on %s', async (_, spentOn, overlapping) => {
    await rm(join(home, 'privacy.json'))
    const partition = spentOn === undefined ? undefined : { index: 0, count: 3, seed: 1, strategy: 'iid' as const }
    const { train } = await loadDataset({ kind: 'digits', ...DIGITS_DEFAULTS }, document.model, partition)
    const dataset = identityOf(train, await ledgerSecret(root))
    const opened = (await openBudget({ document, federation: 'bafyother', peer: PEER, exampleCount: train.count, dataset, root, clock: { now: () => 0 } }))!
    await opened.budget.reserve(1)
    await opened.ledger.close()
    const spent = epsilonsAfter({ settings, charge: roundCharge(document, train.count)!, totals: [] }, 1)

    const { answer } = await ask([], { partition: '1/3', ledgers: root })
    expect(answer['epsilon']).toEqual(spent)
    expect(answer['inherited']).toHaveLength(overlapping)
  })

  it('asks the running peer, which holds the ledger', async () => {
    await spend(2)
    await withLedger(async (open) => {
      await expect(ask(['ledger'])).rejects.toMatchObject({ name: 'LedgerLockedError' })
      class PrivateNode extends FakeNode {
        override ledger (): Ledger {
          return open
        }

        override federation (): FederationDocument {
          return document
        }
      }
      const server = new ControlServer({ home, node: new PrivateNode(), dataSettings: {} })
      await server.start()
      try {
        const { answer, text } = await ask([])
        expect(answer).toMatchObject({ running: true })
        expect((answer['epsilon'] as PrivacyStatus['epsilon']).pld).toBeCloseTo(epsilonOf(2, 'pld'), 9)
        expect(text).toContain(`held by the running peer (process ${process.pid})`)
        expect((await ask(['ledger'], { limit: 1 })).answer).toMatchObject({ count: 2, entries: [{ index: 1, round: 2 }] })
        expect((await ask(['ledger', 'verify'])).answer).toMatchObject({ entries: 2, firstBad: null })
        const error = await ask(['ledger', 'charge'], { rounds: 1 }).catch((err: unknown) => err)
        expect(reportError(error)).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_LOCKED', exit: 4 })
        expect(open.head().index).toBe(1)
      } finally {
        server.stop()
      }
    })
  })
})

describe('grapevine privacy forecast and plan', () => {
  it('add so many rounds, with another noise if wanted, to what was spent', async () => {
    await spend(3)
    const plain = await ask(['forecast'], { rounds: 7 })
    expect((plain.answer['after'] as PrivacyStatus['epsilon']).pld).toBeCloseTo(epsilonOf(10, 'pld'), 9)
    const noisy = await ask(['forecast'], { rounds: 7, noise: 4 })
    const expected = epsilonsAfter({ settings, charge: { ...CHARGE, noiseMultiplier: 4 }, totals: [{ ...CHARGE, steps: 300 }] }, 7)
    expect(noisy.answer).toMatchObject({ after: expected, noiseMultiplier: 4, within: expected.pld <= 3 })
    const many = await ask(['forecast'], { rounds: 10_000_000 })
    expect(many.answer).toMatchObject({ within: false })
    expect(many.text).toMatch(/^Then {8}epsilon .* after 10.000.000 more rounds with noise multiplier 1\.1$/m)
  })

  it('find the least noise for an epsilon', async () => {
    const { noiseMultiplier } = (await ask(['plan'], { epsilon: 1, rounds: 20, examples: 4000 })).answer as { noiseMultiplier: number }
    expect(epsilonOf(20, 'pld', noiseMultiplier)).toBeLessThanOrEqual(1)
    expect(epsilonOf(20, 'pld', noiseMultiplier * 0.998)).toBeGreaterThan(1)
    const { answer } = await ask(['plan'], { epsilon: 1, rounds: 20, examples: 400 })
    expect(answer['noiseMultiplier']).toBeGreaterThan(noiseMultiplier)
    expect(answer).toMatchObject({ examples: 400, sampleRate: 0.1, stepsPerRound: 10 })
  })

  it('plans without a home, from the default preset and the flags', async () => {
    await rm(home, { recursive: true })
    const flags = { epsilon: 1, rounds: 20, examples: 4000, batchSize: 40, steps: 100 }
    const { answer, text } = await ask(['plan'], flags)
    expect(answer).toMatchObject({ mechanism: 'dp-sgd', delta: 1e-5, examples: 4000, sampleRate: 0.01, stepsPerRound: 100 })
    expect(text).toContain(`sampling rate 0.01 (40 of ${formatCount(4000)} examples expected)`)
    expect((await ask(['plan'], { ...flags, delta: 1e-7 })).answer['noiseMultiplier']).toBeGreaterThan(answer['noiseMultiplier'] as number)
    await expect(stat(home)).rejects.toThrow('ENOENT')
    expect(await refusalOf(['plan'], { epsilon: 1, rounds: 20 })).toMatchObject({ exit: 2, message: expect.stringContaining('--examples COUNT') as string })
    expect(await refusalOf(['plan'], { ...flags, home })).toMatchObject({ code: 'GRAPEVINE_E_NO_HOME', exit: 3 })
  })

  it.each([
    [{ epsilon: 1e-6, rounds: 1_000_000_000, examples: 4000 }, 'the most that a federation document may say'],
    [{ epsilon: 1, rounds: 5, examples: 30 }, 'sampling rate above 1'],
    [{ epsilon: 1, rounds: 5, examples: 4000, batchSize: 4001 }, 'sampling rate above 1']
  ])('refuses a plan that cannot be, %j', async (flags, message) => {
    expect(await refusalOf(['plan'], flags)).toMatchObject({ code: 'GRAPEVINE_E_USAGE', exit: 2, message: expect.stringContaining(message) as string })
  })

  it('never plans less noise than a document may say', async () => {
    expect((await ask(['plan'], { epsilon: 1000, rounds: 1, examples: 60_000, batchSize: 1, steps: 1, delta: 0.01 })).answer).toMatchObject({ noiseMultiplier: 0.01 })
  })

  it('says why the accountants differ where they differ by more than twice, and only there', () => {
    expect(whyTheyDiffer({ pld: 1, rdp: 1.99 })).toBeUndefined()
    expect(whyTheyDiffer({ pld: 1, rdp: 3.68 })).toMatch(/^rdp says 3\.7 times more than pld: .*pld is the tighter one$/)
    expect(whyTheyDiffer({ pld: 0, rdp: 0 })).toBeUndefined()
    expect(whyTheyDiffer({ pld: 0, rdp: 1 })).toMatch(/^rdp says much more/)
  })

  it.each([
    [['forecast'], {}, 'needs --rounds'],
    [['plan'], { rounds: 3 }, 'needs --epsilon'],
    [['show'], { noise: 2 }, 'does not take --noise'],
    [['ledger', 'charge'], { rounds: 1, limit: 2 }, 'does not take --limit'],
    [['forcast'], {}, 'did you mean forecast'],
    [['ledger', 'forge'], {}, 'there is no "grapevine privacy ledger forge"'],
    [['constructor'], {}, 'there is no "grapevine privacy constructor"']
  ] as Array<[string[], Settings, string]>)('refuse %j with %j', async (args, flags, message) => {
    await expect(ask(args, flags)).rejects.toMatchObject({ name: 'UsageError', message: expect.stringContaining(message) as string })
  })

  it('take no number of rounds from a settings file: that one is for start', async () => {
    const terminal = new Terminal({ json: true, quiet: true, verbose: false, colour: false, environment: {}, stdout: new PassThrough() as unknown as NodeJS.WriteStream, stderr: new PassThrough() as unknown as NodeJS.WriteStream })
    await expect(privacy({ home, settings: { rounds: 9 }, origins: { rounds: 'file' }, terminal, args: ['forecast'] })).rejects.toMatchObject({ name: 'UsageError' })
  })
})

describe('grapevine privacy ledger', () => {
  it('lists the newest entries first', async () => {
    await spend(25)
    const { answer, text } = await ask(['ledger'])
    expect(answer).toMatchObject({ count: 25, fingerprint: FINGERPRINT })
    expect((answer['entries'] as Array<{ round: number }>).map(({ round }) => round)).toEqual(Array.from({ length: 20 }, (_, i) => 25 - i))
    expect(text.trimEnd().split('\n')).toHaveLength(21)
  })

  it('charges what an older copy lacks, so that the peer may start again', async () => {
    await spend(2)
    const published = { federation: FEDERATION, peer: PEER, home, location: join(root, FINGERPRINT), published: 5, source: 'this home published' }
    const refusal = await withLedger(async (ledger) => {
      try {
        requireCharged(ledger, published)
        return ''
      } catch (err) {
        return (err as Error).message
      }
    })
    const [, missing] = /grapevine privacy ledger charge --rounds (\d+) --home \S+$/.exec(refusal)!
    const { answer } = await ask(['ledger', 'charge'], { rounds: Number(missing), reason: 'restored from a copy' })
    expect(answer).toMatchObject({ type: 'privacy:ledger:charge', entry: { round: 5, steps: 300, reason: 'restored from a copy', noiseMultiplier: 1.1, clipNorm: 1.5 }, delta: 1e-5, scope: 'example' })
    await withLedger(async (ledger) => {
      requireCharged(ledger, published)
      expect(ledger.totals()).toEqual([{ ...CHARGE, steps: 500 }])
    })
  })

  it('is known as it is once as much is charged as the home knew to be missing; less is refused and costs nothing', async () => {
    const known = { [FINGERPRINT]: { index: 5, hash: 'c'.repeat(64) } }
    await spend(2)
    await writeDatasetRecord(home, { federation: FEDERATION, peer: PEER, fingerprint: FINGERPRINT, examples: EXAMPLES, ledgers: root, heads: known })
    expect(await refusalOf(['ledger', 'charge'], { rounds: 3 })).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_ROLLBACK', exit: 13, message: expect.stringMatching(/^4 charges .* nothing was charged; give --rounds 4 or more/) as string })
    expect((await readDatasetRecord(home))!.heads).toEqual(known)
    await ask(['ledger', 'charge'], { rounds: 4 })
    await withLedger(async (ledger) => {
      expect((await readDatasetRecord(home))!.heads).toEqual({ [FINGERPRINT]: ledger.head() })
      expect(ledger.head().index).toBe(2)
      expect(ledger.totals()).toEqual([{ ...CHARGE, steps: 600 }])
    })
  })

  it('takes as many rounds as the refusal names, and no second charge, when more was charged than published', async () => {
    await spend(2)
    await publish(5)
    // rounds that a stop interrupted are charged, not published
    await writeDatasetRecord(home, { federation: FEDERATION, peer: PEER, fingerprint: FINGERPRINT, examples: EXAMPLES, ledgers: root, heads: { [FINGERPRINT]: { index: 6, hash: 'c'.repeat(64) } } })
    const { message } = await refusalOf(['show'])
    expect(message).toMatch(/^this home published an update of round 5 .* ends at round 2, and 5 charges that this home knows of are missing: /)
    const [, missing] = /ledger charge --rounds (\d+) --home/.exec(message)!
    expect((await ask(['ledger', 'charge'], { rounds: Number(missing) })).warnings).toBe('')
    expect((await ask(['show'])).answer).toMatchObject({ epsilon: { pld: epsilonOf(7, 'pld') } })
  })

  it('lists a charge by hand as what it is, and says it in words that fit one round or several', async () => {
    await spend(2)
    expect(await charged(1)).toMatch(/^charged round 3: epsilon is /)
    expect(await charged(3)).toMatch(/^charged 3 rounds \(4 to 6\): epsilon is /)
    const { text } = await ask(['ledger'])
    expect(text).toMatch(/^ +3 .* to 6 +300 .* dp-sgd, charged by hand: rounds that the ledger lacked$/m)
    expect(text).toMatch(/^ +1 .* 2 +100 .* dp-sgd$/m)
  })

  it('charges also where the whole ledger was deleted', async () => {
    await ask(['ledger', 'charge'], { rounds: 5 })
    await withLedger(async (ledger) => { expect(ledger.lastRound(FEDERATION, PEER)).toBe(5) })
  })

  it('names the first entry that is not what was written, with exit code 13', async () => {
    await spend(6)
    await damage(3)
    expect(await refusalOf(['ledger', 'verify'])).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_CORRUPT', exit: 13, message: expect.stringContaining(`entry 3 of the privacy ledger in ${join(root, FINGERPRINT)}: not readable`) as string })
  })
})

describe('a ledger that start refuses', () => {
  const VERBS: Array<[string[], Settings]> = [[['show'], {}], [['ledger'], {}], [['forecast'], { rounds: 3 }]]

  it.each(VERBS)('is refused by %j, in the same words, when it is damaged in the middle', async (args, flags) => {
    await spend(6)
    await damage(3)
    expect(await refusalOf(args, flags)).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_CORRUPT', exit: 13, message: await startSays() })
  })

  it.each(VERBS)('is refused by %j, and not made, when it was deleted', async (args, flags) => {
    await publish(5)
    expect(await refusalOf(args, flags)).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_ROLLBACK', exit: 13, message: expect.stringMatching(/^this home published an update of round 5 .* ends at round 0/) as string })
    await expect(stat(root)).rejects.toThrow('ENOENT')
  })

  it.each(VERBS)('is refused by %j when it is older than what the home published', async (args, flags) => {
    await spend(2)
    await publish(5)
    expect(await refusalOf(args, flags)).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_ROLLBACK', exit: 13, message: expect.stringContaining(`ledger charge --rounds 3 --home ${home}`) as string })
  })

  it('need not hold rounds that take no step', async () => {
    await writeFoundingDocument(home, parseFederation({ ...document, training: { ...document.training, optimizer: { name: 'sgd', learningRate: 0.1, decayRounds: 2 } } }))
    await spend(2)
    await publish(5)
    expect((await ask([])).answer).toMatchObject({ exhausted: false })
  })

  it('is charged by hand when it is older or was deleted, and says what is still missing', async () => {
    await publish(5)
    const { warnings } = await ask(['ledger', 'charge'], { rounds: 4 })
    expect(warnings).toContain('ledger charge --rounds 1 --home')
    expect((await ask(['ledger', 'charge'], { rounds: 1 })).warnings).toBe('')
    expect((await ask([])).answer).toMatchObject({ epsilon: { pld: epsilonOf(5, 'pld') } })
  })

  it('is not charged by hand when it is damaged', async () => {
    await spend(6)
    await damage(3)
    expect(await refusalOf(['ledger', 'charge'], { rounds: 1 })).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_CORRUPT', exit: 13, message: await startSays() })
    await withLedger(async (ledger) => { expect(ledger.head().index).toBe(5) })
  })

  it('is told in one line of ours by verify, whatever is wrong with it', async () => {
    expect(await refusalOf(['ledger', 'verify'])).toMatchObject({ code: 'GRAPEVINE_E_NO_LEDGER', exit: 3, message: `there is no privacy ledger in ${join(root, FINGERPRINT)}, and none is missed: this home published nothing that it would have to hold` })
    await mkdir(join(root, FINGERPRINT), { recursive: true })
    await writeFile(join(root, FINGERPRINT, 'holiday.jpg'), 'x')
    expect(await refusalOf(['ledger', 'verify'])).toMatchObject({ code: 'GRAPEVINE_E_NO_LEDGER', exit: 3 })
    await publish(5)
    expect(await refusalOf(['ledger', 'verify'])).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_ROLLBACK', exit: 13 })
    await spend(2)
    expect(await refusalOf(['ledger', 'verify'])).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_ROLLBACK', exit: 13 })
    await writeFile(join(root, FINGERPRINT, 'CURRENT'), 'nonsense')
    expect(await refusalOf(['ledger', 'verify'])).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_CORRUPT', exit: 13, message: expect.stringMatching(/^what lies in .* is no ledger that can be opened: .*nothing was deleted$/) as string })
    await rm(join(root, FINGERPRINT), { recursive: true })
    await writeFile(join(root, FINGERPRINT), '')
    expect(await refusalOf(['ledger', 'verify'])).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_WRITE', exit: 9, message: expect.stringContaining('a file stands where the folder should be') as string })
  })
})

describe('privacy in words', () => {
  const status: PrivacyStatus = { mechanism: 'dp-sgd', scope: 'example', epsilon: { rdp: 2, pld: 1.2301 }, delta: 1e-5, accountant: 'pld', limit: 8, exhausted: false }

  it('rounds up, as an upper bound must be', () => {
    expect([0, 0.00123, 0.12345, 1.2301, 1.23, 1.891, 1.9, 3.016, 7.9999, 12.341, 1234.1, Infinity, null].map(formatEpsilon)).toEqual(['0', '0.00123', '0.124', '1.24', '1.23', '1.90', '1.90', '3.02', '8', '12.4', '1240', 'infinite', 'infinite'])
    expect([1e-5, 2e-6, 0.01].map(formatDelta)).toEqual(['1e-5', '2e-6', '1e-2'])
  })

  it('names the accountant that counts', () => {
    expect(formatSpent(status)).toBe('epsilon 1.24 of 8 (delta 1e-5, pld, per example)')
    expect(formatSpent({ ...status, accountant: 'rdp', scope: 'dataset', mechanism: 'update-level', exhausted: true })).toBe('epsilon 2 of 8 (delta 1e-5, rdp, for the whole dataset), spent')
    expect(formatSpent(null)).toBe('no privacy')
    expect(formatPromise(settings)).toBe('dp-sgd, noise multiplier 1.1, clip norm 1.5; a peer sends nothing more at epsilon 3 (delta 1e-5, pld, per example)')
  })
})

describe('a new federation', () => {
  it('promises what the flags say', async () => {
    expect((await foundingDocument({ preset: 'digits', privacy: 'dp-sgd' })).privacy).toMatchObject({ mechanism: 'dp-sgd', epsilonLimit: 8, noiseMultiplier: 1 })
    expect((await foundingDocument({ preset: 'digits', privacy: 'dp-sgd', epsilon: 2 })).privacy).toMatchObject({ epsilonLimit: 2, noiseMultiplier: 1 })
    expect((await foundingDocument({ privacy: 'none' })).privacy).toEqual({ mechanism: 'none' })
    expect((await foundingDocument({ privacy: 'update-level', epsilon: 3 })).privacy).toEqual({ mechanism: 'update-level', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 3, delta: 1e-5, accountant: 'pld' })
  })

  it('takes the noise that the rounds need on this peer\'s share of the data', async () => {
    const share = await foundingDocument({ epsilon: 2, rounds: 4, partition: '1/8' })
    const { noiseMultiplier } = share.privacy as PrivateSettings
    const charge = roundCharge(share, 2000)!
    expect(epsilonsAfter({ settings: share.privacy as PrivateSettings, charge, totals: [] }, 4).pld).toBeLessThanOrEqual(2)
    expect(epsilonsAfter({ settings: share.privacy as PrivateSettings, charge: { ...charge, noiseMultiplier: noiseMultiplier * 0.998 }, totals: [] }, 4).pld).toBeGreaterThan(2)
    expect((await foundingDocument({ epsilon: 2, rounds: 4, examples: 2000 })).privacy).toEqual(share.privacy)
  })

  it('refuses wishes that do not go together', async () => {
    await expect(foundingDocument({ privacy: 'none', epsilon: 2 })).rejects.toMatchObject({ name: 'UsageError' })
    await expect(foundingDocument({ examples: 2 })).rejects.toMatchObject({ name: 'UsageError' })
  })
})
