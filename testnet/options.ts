/**
 * The command line of the testnet: checked, and turned into what createTestnet takes
 */
import { resolve } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import { AGGREGATION_RULES, PRE_AGGREGATION_NAMES } from '../src/aggregators/rules.ts'
import { ATTACK_NAMES, createAttack } from '../src/attacks/attacks.ts'
import { closest } from '../src/closest.ts'
import { DIGITS_DEFAULTS } from '../src/data/digits.ts'
import { InvalidFederationError } from '../src/errors.ts'
import { parseFederation } from '../src/federation/document.ts'
import { MECHANISMS } from '../src/privacy/plan.ts'
import { PRESET_NAMES } from '../src/presets.ts'
import { UsageError } from './errors.ts'
import { weightsFile } from './federation-file.ts'
import { DEFAULT_PRESET, foundedBy } from './founded.ts'
import { packageVersion } from './package-version.ts'
import { withPrivacy } from './privacy-flags.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { BackendName, DatasetSource } from '../src/interface.ts'
import type { PrivacySettings } from '../src/federation/privacy-settings.ts'
import type { FoundingFlags, Surroundings } from './founded.ts'
import type { Attackers, Fault, TestnetInit, TestnetPartition } from './interface.ts'

const BACKENDS = ['auto', 'tensorflow', 'wasm', 'cpu'] as const
/** Evaluating takes longer than a short round of training: as many points make a curve */
const EVALUATED_ROUNDS = 20

const EPILOGUE = `
A preset sets the federation document and the other settings; flags override it. Presets: ${PRESET_NAMES.join(', ')}.
Exit codes: 0 done, 2 wrong usage, 3 wrong federation document, 7 a backend cannot be used, 8 data missing or unusable, 9 a folder cannot be written, 12 training failed, 14 an honest peer failed, 124 out of time, 130 interrupted.`

/** A timer of Node's counts milliseconds in 31 bits, and ends at once when there are more */
const MAX_TIMEOUT_SECONDS = 2_147_483

const MAX_SEED = 0xffffffff

/** What the program is to do */
export interface Order {
  init: TestnetInit
  /** Folder for report.json and report.html */
  report: string | undefined
  json: boolean
  /** What the user should read before it begins */
  notes: string[]
}

interface Flags extends FoundingFlags {
  rounds?: number
  iid?: true
  dirichlet?: number
  shards?: number
  degree?: number
  resample?: number
  quarantine?: boolean
  seed?: number
  weights?: string
  backend?: BackendName | 'auto'
  threads?: number
  evaluateEvery?: number
  kill?: Fault[]
  restart?: Fault[]
  byzantine?: Attackers[]
  rule?: string
  f?: number
  codec?: string
  report?: string
  keepHomes?: string
  privacy?: PrivacySettings['mechanism']
  epsilon?: number
  alone: boolean
  json?: true
  timeout?: number
}

/**
 * Undefined when help or the version was asked for, and printed to `write`
 *
 * Throws UsageError, InvalidFederationError, and DatasetError when a preset needs data that are not there
 */
export async function readOrder (argv: readonly string[], surroundings: Surroundings, write: (text: string) => void): Promise<Order | undefined> {
  const flags = parseFlags(argv, write)
  return flags === undefined ? undefined : orderOf(flags, surroundings)
}

function parseFlags (argv: readonly string[], write: (text: string) => void): Flags | undefined {
  const program = buildProgram(write)
  try {
    program.parse([...argv], { from: 'user' })
  } catch (err) {
    if (!(err instanceof CommanderError)) {
      throw err
    }
    if (err.exitCode === 0) {
      return undefined
    }
    throw new UsageError(err.message.replace(/^error: /, '').replace(/\.$/, '').replace(/\n\(Did you mean (.*)\?\)/, ' (did you mean $1?)'))
  }
  return program.opts<Flags>()
}

function buildProgram (write: (text: string) => void): Command {
  const program = new Command('grapevine-testnet')
    .description('Runs a whole federation as separate processes on this machine, and reports what it learned')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .configureOutput({ writeOut: write, writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .allowExcessArguments(false)
    .addHelpText('after', EPILOGUE)
  const options = [
    new Option('--peers <n>', 'number of peer processes').argParser(whole('--peers', 1, 256)),
    new Option('--rounds <n>', 'rounds that every peer does').argParser(whole('--rounds', 1)),
    new Option('--dirichlet <alpha>', 'split the examples by label: the smaller, the more the peers differ').argParser(positive('--dirichlet', 1e6)).conflicts(['iid', 'shards']),
    new Option('--shards <n>', 'split the examples into n label shards for each peer').argParser(whole('--shards', 1, 10_000)).conflicts(['iid', 'dirichlet']),
    new Option('--iid', 'split the examples at random').conflicts(['dirichlet', 'shards']),
    new Option('--degree <k>', 'neighbours of each peer').argParser(whole('--degree', 1, 64)),
    new Option('--resample <n>', 'neighbours, of k, that change every round (default: 0)').argParser(whole('--resample', 0, 64)),
    new Option('--seed <n>', 'seed of the split').argParser(whole('--seed', 0, MAX_SEED)),
    new Option('--preset <name>', `ready-made settings (default: ${DEFAULT_PRESET})`).argParser(oneOf('preset', PRESET_NAMES)).conflicts('federation'),
    new Option('--federation <file>', 'federation document, a JSON file'),
    new Option('--data <spec>', 'digits, digits:SEED, idx:DIR, csv:FILE, parquet:FILE, jsonl:FILE, npy:PATH, images:FOLDER or text:PATH').argParser(parseData),
    new Option('--weights <file>', 'weights that the federation of --federation starts from, a safetensors file'),
    new Option('--label <column>', 'the column of a table to learn, where no document says it (default: the last)').conflicts(['preset', 'federation']),
    new Option('--task <task>', 'classes or regression, where no document says it').argParser(oneOf('task', ['classes', 'regression'])).conflicts(['preset', 'federation']),
    new Option('--backend <name>', `training backend: ${BACKENDS.join(', ')}`).argParser(oneOf('backend', BACKENDS)),
    new Option('--threads <n>', 'threads of one training step (default: cores / peers)').argParser(whole('--threads', 1, 1024)),
    new Option('--evaluate-every <n>', 'test the models every n rounds, and after the last (default: rounds / 20)').argParser(whole('--evaluate-every', 1)),
    new Option('--kill <n@round>', 'kill n peers in the middle of that round').argParser(listed(parseFault('--kill'))),
    new Option('--restart <n@round>', 'start n killed peers again when the others begin that round').argParser(listed(parseFault('--restart'))),
    new Option('--byzantine <n:attack[:strength]>', `n peers lie in this way: ${ATTACK_NAMES.join(', ')}`).argParser(listed(parseAttackers)),
    new Option('--rule <name>', `aggregation rule: ${AGGREGATION_RULES.join(', ')}, after ${PRE_AGGREGATION_NAMES.map((name) => `${name}+`).join(' or ')} if wanted`),
    new Option('--f <n>', 'liars among its neighbours that a peer withstands').argParser(whole('--f', 0, 64)),
    new Option('--no-quarantine', 'do not hold back what suspicious neighbours send'),
    new Option('--codec <name>', 'encoding of the updates'),
    new Option('--privacy <mechanism>', 'none, dp-sgd (hides each example) or update-level (hides each whole dataset; default: what the document says)').argParser(oneOf('privacy mechanism', MECHANISMS)),
    new Option('--epsilon <epsilon>', 'limit of epsilon, with the noise that the planned rounds need').argParser(positive('--epsilon', 1000)),
    new Option('--report <dir>', 'write report.json and report.html into this folder'),
    new Option('--keep-homes <dir>', 'keep the homes of the peers in this folder'),
    new Option('--no-alone', 'do not train each peer alone, for comparison'),
    new Option('--json', 'print JSON lines: events, then the report'),
    new Option('--timeout <seconds>', 'give up after this time (default: 1800)').argParser(positive('--timeout', MAX_TIMEOUT_SECONDS))
  ]
  options.forEach((option) => program.addOption(option))
  return program
}

async function orderOf (flags: Flags, surroundings: Surroundings): Promise<Order> {
  const { workingDirectory } = surroundings
  const { preset, local, document, data, notes: told } = await foundedBy(flags, surroundings)
  const weights = await weightsFile(flags.weights, document, workingDirectory)
  const rounds = flags.rounds ?? local.rounds
  const peers = flags.peers ?? local.peers
  const { federation, notes } = await withPrivacy(withFlags(document, { degree: local.degree, ...flags }), { ...flags, rounds, peers, data })
  return {
    init: {
      peers,
      rounds,
      federation,
      data,
      partition: partitionOf(flags) ?? local.partition,
      evaluateEvery: flags.evaluateEvery ?? Math.max(1, Math.floor(rounds / EVALUATED_ROUNDS)),
      alone: flags.alone,
      ...definedOf({
        weights,
        preset,
        seed: flags.seed,
        backend: flags.backend,
        threads: flags.threads,
        byzantine: flags.byzantine,
        kill: flags.kill,
        restart: flags.restart,
        homes: flags.keepHomes === undefined ? undefined : resolve(workingDirectory, flags.keepHomes),
        timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000
      })
    },
    report: flags.report === undefined ? undefined : resolve(workingDirectory, flags.report),
    json: flags.json === true,
    notes: [...told, ...notes]
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Flags that were not given leave the library's defaults alone */
function definedOf<T extends object> (values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>
}

/** A flag that does not fit the document is a wrong flag, not a wrong document */
function withFlags (document: FederationDocument, { degree, resample, rule, f, quarantine, codec }: { [K in 'degree' | 'resample' | 'rule' | 'f' | 'quarantine' | 'codec']?: Flags[K] | undefined }): FederationDocument {
  try {
    return parseFederation({
      ...document,
      aggregation: { ...document.aggregation, rule: rule ?? document.aggregation.rule, f: f ?? document.aggregation.f, ...(quarantine === false ? { quarantine } : {}) },
      codec: { name: codec ?? document.codec.name },
      topology: { ...document.topology, degree: degree ?? document.topology.degree, ...(resample === undefined ? {} : { resample }) }
    })
  } catch (err) {
    throw err instanceof InvalidFederationError ? new UsageError(err.message, { cause: err }) : err
  }
}

function partitionOf (flags: Flags): TestnetPartition | undefined {
  if (flags.dirichlet !== undefined) {
    return { strategy: 'dirichlet', alpha: flags.dirichlet }
  }
  if (flags.shards !== undefined) {
    return { strategy: 'shards', shardsPerPeer: flags.shards }
  }
  return flags.iid === true ? { strategy: 'iid' } : undefined
}

function whole (flag: string, from: number, to = 1_000_000): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    if (!(value >= from && value <= to)) {
      throw new UsageError(`${flag} must be a whole number from ${from} to ${to}, not "${text}"`)
    }
    return value
  }
}

function positive (flag: string, to: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text)
    if (!(value > 0 && value <= to)) {
      throw new UsageError(`${flag} must be a number above 0, at most ${to}, not "${text}"`)
    }
    return value
  }
}

function oneOf (what: string, known: readonly string[]): (text: string) => string {
  return (text) => {
    if (!known.includes(text)) {
      const near = closest(text, known)
      throw new UsageError(`unknown ${what} "${text}"${near === undefined ? `: known are ${known.join(', ')}` : ` (did you mean "${near}"?)`}`)
    }
    return text
  }
}

/** `1@2,1@5` and a flag given twice mean the same */
function listed<T> (parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before) => [...before ?? [], ...text.split(',').map(parse)]
}

function parseFault (flag: string): (text: string) => Fault {
  return (text) => {
    const match = /^([1-9]\d{0,3})@([1-9]\d{0,6})$/.exec(text)
    if (match === null) {
      throw new UsageError(`${flag} must be NUMBER@ROUND, such as 1@2, not "${text}"`)
    }
    return { count: Number(match[1]), round: Number(match[2]) }
  }
}

function parseAttackers (text: string): Attackers {
  const match = /^([1-9]\d{0,3}):(.+)$/.exec(text)
  if (match === null) {
    throw new UsageError(`--byzantine must be NUMBER:ATTACK or NUMBER:ATTACK:STRENGTH, such as 1:sign-flip, not "${text}"`)
  }
  try {
    createAttack(match[2]!)
  } catch (err) {
    throw new UsageError(`--byzantine: ${(err as Error).message}`, { cause: err })
  }
  return { count: Number(match[1]), attack: match[2]! }
}

function parseData (text: string): DatasetSource {
  const match = /^(digits)(?::(\d{1,10}))?$|^(idx|csv|parquet|jsonl|images|npy|text):(.+)$/.exec(text)
  if (match === null || Number(match[2]) > MAX_SEED) {
    throw new UsageError(`--data must be digits, digits:SEED, idx:DIR, csv:FILE, parquet:FILE, jsonl:FILE, npy:PATH, images:FOLDER or text:PATH, not "${text}"`)
  }
  const [,, seed, kind, path = ''] = match
  switch (kind) {
    case 'idx': return { kind, directory: path }
    case 'images':
    case 'npy':
    case 'text': return { kind, path }
    case 'csv': case 'parquet': case 'jsonl': return { kind, file: path, testFraction: 0.2 }
    default: return { kind: 'digits', ...DIGITS_DEFAULTS, ...(seed === undefined ? {} : { seed: Number(seed) }) }
  }
}
