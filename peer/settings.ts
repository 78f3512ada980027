/**
 * The one table of settings: flags, environment variables, configuration keys, help and documentation all come from it
 *
 * `trainFraction` here is `--train-fraction` on the command line, `GRAPEVINE_TRAIN_FRACTION` in the environment and
 * `train-fraction` in a configuration file. Schemas are functions, because zod takes longer to load than the whole of
 * `grapevine --help`.
 */
import { AUDIT_SETTINGS } from './audit-settings.ts'
import { DOCUMENT_SETTINGS } from './document-settings.ts'
import { LOG_SETTINGS } from './log-settings.ts'
import { MEMBERSHIP_SETTINGS } from './membership-settings.ts'
import { PRIVACY_SETTINGS } from './privacy-settings.ts'
import { addresses, count, DATA, data, dataPath, EVERYWHERE, filePath, FLAG_ONLY, FOUND, MAX_SEED, NODE, NOT_IN_FILE, number, partition, text, toggle } from './setting.ts'
import { DIALECT_SETTINGS, TABLE_SETTINGS } from './table-settings.ts'
import { TERMINAL_SETTINGS } from './terminal-settings.ts'
import { TEXT_SETTINGS } from './text-settings.ts'
import { USE_SETTINGS } from './use-settings.ts'
import type { output } from 'zod'
import type { Setting, Verb } from './setting.ts'

const DOCUMENT: readonly Verb[] = [...FOUND, 'audit']
const LABEL: readonly Verb[] = [...DOCUMENT, 'schema']
const RUN: readonly Verb[] = ['start', 'join']

/** Checks every entry and keeps its own type */
function table<T extends Record<string, Setting>> (entries: T): T {
  return entries
}

export const SETTINGS = table({
  home: {
    schema: text,
    expects: 'a folder',
    value: 'DIR',
    verbs: 'all',
    sources: NOT_IN_FILE,
    path: filePath,
    shownDefault: '$XDG_STATE_HOME/grapevine or ~/.local/state/grapevine',
    help: 'folder of this peer: identity key, configuration, database'
  },
  config: {
    schema: text,
    expects: 'a file',
    value: 'FILE',
    verbs: 'all',
    sources: NOT_IN_FILE,
    path: filePath,
    shownDefault: 'HOME/grapevine.toml',
    help: 'read this configuration file in place of the one in the home'
  },
  preset: {
    schema: text,
    expects: 'the name of a preset',
    value: 'NAME',
    verbs: DOCUMENT,
    sources: NOT_IN_FILE,
    shownDefault: 'digits-private, or a model made to fit the data',
    help: 'found a federation with this ready-made document: digits-private, digits, mnist-mlp, mnist-noniid, mnist-cnn, mnist-private or wide'
  },
  federation: {
    schema: text,
    expects: 'a JSON file',
    value: 'FILE',
    verbs: DOCUMENT,
    sources: NOT_IN_FILE,
    path: filePath,
    help: 'found a federation with the document in this JSON file'
  },
  weights: {
    schema: text,
    expects: 'a file',
    value: 'FILE',
    verbs: [...NODE, 'audit'],
    sources: FLAG_ONLY,
    path: filePath,
    shownDefault: 'drawn from a seed; later those in the home',
    help: 'weights that a federation starts from, which no peer sends: a safetensors file, or a model.json of TensorFlow.js'
  },
  data: {
    schema: data,
    expects: 'digits, digits:SEED, idx:DIR, csv:FILE, parquet:FILE, jsonl:FILE, npy:PATH, images:FOLDER or text:PATH',
    value: 'SPEC',
    verbs: DATA,
    sources: EVERYWHERE,
    path: dataPath,
    shownDefault: 'digits',
    help: 'the private examples: generated digits, a folder of IDX files, a CSV, Parquet or JSON Lines file, NumPy arrays (an NPZ file or a folder of NPY files), a folder of PNG and JPEG files with a sub-folder for each class, or texts: .txt files in such folders, or a table with a column of them'
  },
  label: {
    schema: text,
    expects: 'the name of a column',
    value: 'COLUMN',
    verbs: LABEL,
    sources: NOT_IN_FILE,
    shownDefault: 'the last column',
    help: 'the column of a table that holds the class, or the number to predict, for a new federation'
  },
  ...TABLE_SETTINGS,
  ...TEXT_SETTINGS,
  ...DOCUMENT_SETTINGS,
  ...DIALECT_SETTINGS,
  testData: {
    schema: text,
    expects: 'a file',
    value: 'FILE',
    verbs: DATA,
    sources: EVERYWHERE,
    path: filePath,
    help: 'test examples of csv:, parquet:, jsonl: and text: data'
  },
  testFraction: {
    schema: (z) => number(z).pipe(z.number().gt(0).lt(1)),
    expects: 'a number between 0 and 1',
    value: 'SHARE',
    verbs: DATA,
    sources: EVERYWHERE,
    shownDefault: '0.2',
    help: 'share of csv:, parquet:, jsonl:, npy:, images: and text: data that is kept for testing where there are no test examples apart'
  },
  partition: {
    schema: partition,
    expects: 'I/N with 1 <= I <= N, such as 2/8',
    value: 'I/N',
    verbs: DATA,
    sources: EVERYWHERE,
    help: 'use only part I of N of the data, so that several peers can split one dataset'
  },
  dirichlet: {
    schema: (z) => number(z).pipe(z.number().gt(0).max(1e6)),
    expects: 'a number above 0',
    value: 'ALPHA',
    verbs: DATA,
    sources: EVERYWHERE,
    help: 'split by label with this concentration: the smaller, the more the parts differ'
  },
  shards: {
    schema: count(1, 10_000),
    expects: 'a whole number from 1 to 10000',
    value: 'N',
    verbs: DATA,
    sources: EVERYWHERE,
    help: 'split by label into N shards for each part'
  },
  partitionSeed: {
    schema: count(0, MAX_SEED),
    expects: `a whole number from 0 to ${MAX_SEED}`,
    value: 'SEED',
    verbs: DATA,
    sources: EVERYWHERE,
    shownDefault: '1',
    help: 'seed of the split: equal on all peers that split one dataset'
  },
  listen: {
    schema: addresses,
    expects: 'a multiaddr, such as /ip4/0.0.0.0/tcp/4001',
    value: 'ADDRESS',
    verbs: NODE,
    sources: EVERYWHERE,
    list: true,
    shownDefault: 'all addresses of the machine, IPv4 and IPv6, on a free port that is kept',
    help: 'listen on this multiaddr; port 0 is a free one that is drawn once and kept'
  },
  announce: {
    schema: addresses,
    expects: 'a multiaddr, such as /ip4/198.51.100.7/tcp/4001',
    value: 'ADDRESS',
    verbs: NODE,
    sources: EVERYWHERE,
    list: true,
    shownDefault: 'the listening addresses',
    help: 'tell other peers this multiaddr in place of the listening ones'
  },
  bootstrap: {
    schema: addresses,
    expects: 'a multiaddr, such as /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...',
    value: 'ADDRESS',
    verbs: FOUND,
    sources: EVERYWHERE,
    list: true,
    help: 'a peer to join through'
  },
  federationId: {
    schema: (z) => z.string().regex(/^[a-z2-7]{50,80}$/),
    expects: 'a federation id, such as bafyrei...',
    value: 'ID',
    verbs: NODE,
    sources: EVERYWHERE,
    help: 'refuse every federation but this one'
  },
  backend: {
    schema: (z) => z.enum(['auto', 'tensorflow', 'wasm', 'cpu']),
    expects: 'auto, tensorflow, wasm or cpu',
    value: 'NAME',
    verbs: [...DATA, 'predict'],
    sources: EVERYWHERE,
    shownDefault: 'auto',
    help: 'training backend; auto times a real step on each and keeps the fastest',
    helpFor: { predict: 'what computes: tensorflow, wasm or cpu (default: auto, which is wasm where it works)' }
  },
  threads: {
    schema: count(1, 1024),
    expects: 'a whole number from 1 to 1024',
    value: 'N',
    verbs: DATA,
    sources: EVERYWHERE,
    shownDefault: '1',
    help: 'threads of one training step'
  },
  rounds: {
    schema: count(1),
    expects: 'a whole number, at least 1',
    value: 'N',
    verbs: [...NODE, 'privacy', 'audit'],
    sources: EVERYWHERE,
    shownDefault: 'go on until stopped',
    help: 'stop after round N of the federation',
    helpFor: { privacy: 'so many rounds: to forecast, to plan, or to charge', audit: 'train so many rounds (default: 20)' }
  },
  minMembers: {
    schema: count(1, 100_000),
    expects: 'a whole number from 1 to 100000',
    value: 'N',
    verbs: NODE,
    sources: EVERYWHERE,
    shownDefault: 'as many as the aggregation rule needs; with --alone train, for 10 s',
    help: 'wait for N members, this peer included, before the first round'
  },
  keepVersions: {
    schema: count(1, 100_000),
    expects: 'a whole number from 1 to 100000',
    value: 'N',
    verbs: NODE,
    sources: EVERYWHERE,
    shownDefault: '10',
    help: 'model versions to keep: N of the newest, and N of the newest that neighbours took part in'
  },
  evaluateEvery: {
    schema: count(1),
    expects: 'a whole number, at least 1',
    value: 'N',
    verbs: NODE,
    sources: EVERYWHERE,
    shownDefault: '1',
    help: 'test the model every N rounds, and after the last one'
  },
  ...PRIVACY_SETTINGS,
  ...MEMBERSHIP_SETTINGS,
  ...LOG_SETTINGS,
  attack: {
    schema: text,
    expects: 'the name of an attack, such as sign-flip',
    value: 'SPEC',
    verbs: RUN,
    sources: FLAG_ONLY,
    hidden: true,
    help: 'SIMULATION ONLY: lie to the neighbours'
  },
  exitWithStdin: {
    schema: toggle,
    expects: 'true or false',
    verbs: RUN,
    sources: NOT_IN_FILE,
    help: 'stop when standard input closes: a parent process that dies takes its peers along'
  },
  ifMissing: {
    schema: toggle,
    expects: 'true or false',
    verbs: ['init'],
    sources: FLAG_ONLY,
    help: 'do nothing, successfully, when the home holds a peer already'
  },
  limit: {
    schema: count(1, 100_000),
    expects: 'a whole number from 1 to 100000',
    value: 'N',
    verbs: ['versions', 'privacy', 'log'],
    sources: FLAG_ONLY,
    shownDefault: '20',
    help: 'list at most N versions, or entries of the privacy ledger or the audit log',
    helpFor: { privacy: 'list at most N entries (default: 20)', log: 'list at most N entries (default: 20)' }
  },
  ...AUDIT_SETTINGS,
  ...USE_SETTINGS,
  ...TERMINAL_SETTINGS
})

export type SettingName = keyof typeof SETTINGS

/** Checked values of the settings that were given */
export type Settings = { [K in SettingName]?: output<ReturnType<(typeof SETTINGS)[K]['schema']>> }

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

/** The same as one type, for code that treats all settings alike */
export function setting (name: SettingName): Setting {
  return SETTINGS[name]
}

/** `testFraction` -> `test-fraction`: the flag without its dashes, and the key in a file */
export function kebabName (name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `testFraction` -> `GRAPEVINE_TEST_FRACTION` */
export function environmentName (name: SettingName): string {
  return `GRAPEVINE_${kebabName(name).replaceAll('-', '_').toUpperCase()}`
}

/** Those that a verb takes as flags */
export function settingsOf (verb: Verb): SettingName[] {
  return SETTING_NAMES.filter((name) => setting(name).verbs !== 'all' && setting(name).verbs.includes(verb))
}

/** Those that every verb takes */
export function globalSettings (): SettingName[] {
  return SETTING_NAMES.filter((name) => setting(name).verbs === 'all')
}
