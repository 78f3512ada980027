/**
 * Ready-made federations: a document, and how many peers on which data a local run of it takes
 *
 * The initial settings of every `init` and `testnet` that names no document of its own.
 */
import { parseFederation } from './federation/document.ts'
import { gaborFeatures } from './model/gabor-features.ts'
import { convolutionalTopology, denseTopology } from './model/topology.ts'
import { MNIST_MOMENTS } from './federation/input-shape.ts'
import type { FederationDocument, FederationInit } from './federation/document.ts'
import type { Partition } from './interface.ts'

export const PRESET_NAMES = ['digits-private', 'digits', 'mnist-mlp', 'mnist-noniid', 'mnist-cnn', 'mnist-private', 'wide'] as const

export type PresetName = typeof PRESET_NAMES[number]

/** What a local run of a preset takes unless it is told otherwise */
export interface PresetTestnet {
  peers: number
  rounds: number
  /** Neighbours of each peer, where it differs from the document's */
  degree?: number
  partition: { strategy: Partition['strategy'], alpha?: number }
  /** Generated digits, or the MNIST files */
  dataKind: 'digits' | 'mnist'
}

const IMAGE: readonly [number, number, 1] = [28, 28, 1]
const LABELS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

type Training = FederationInit['training']

interface Outline {
  model: Pick<FederationInit['model'], 'topology' | 'constants'>
  training: Training
  rule: FederationInit['aggregation']['rule']
  codec: FederationInit['codec']['name']
  degree: number
  standardised: boolean
  deadlineMs: number
  /** @default none */
  privacy?: FederationInit['privacy']
}

function dense (hidden: readonly number[]): Outline['model'] {
  return { topology: denseTopology({ inputShape: IMAGE, hidden, classes: LABELS.length }) }
}

/**
 * Fixed features and one layer that learns: few parameters, so that the noise of DP-SGD is small beside them. With this
 * scale the features of a digit are about 5 long: the bias, whose input is 1, takes little of the clipped length
 */
const PRIVATE_FEATURES: Outline['model'] = gaborFeatures({
  inputShape: IMAGE,
  bank: { size: 5, odd: 8, even: 4, deviation: 1.2, wavelength: 5 },
  poolings: [{ size: 4, stride: 2 }, { size: 3, stride: 2 }],
  scale: 2.5,
  classes: LABELS.length
})

const OUTLINES: Readonly<Record<PresetName, Outline>> = {
  // 50,890 parameters: as int8 an update stays below the 64 KiB that travel inside a gossip message
  digits: {
    model: dense([64]),
    // momentum SGD mixes better than Adam here: 97 % against 84 % after 15 rounds at Dirichlet 0.3
    training: { epochs: 2, batchSize: 32, optimizer: { name: 'sgd', learningRate: 0.02, momentum: 0.9 } },
    rule: 'gated-geometric-median',
    codec: 'int8',
    degree: 4,
    standardised: true,
    deadlineMs: 15_000
  },
  'mnist-mlp': {
    model: dense([256, 128]),
    training: { epochs: 1, batchSize: 128, optimizer: { name: 'adam', learningRate: 1e-3 } },
    rule: 'mean',
    codec: 'float32',
    degree: 3,
    standardised: true,
    deadlineMs: 15_000
  },
  'mnist-noniid': {
    model: dense([100]),
    training: { steps: 5, batchSize: 32, optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 } },
    rule: 'mean',
    codec: 'float32',
    degree: 8,
    standardised: true,
    deadlineMs: 15_000
  },
  'mnist-cnn': {
    model: { topology: convolutionalTopology({ inputShape: IMAGE, filters: [16, 32], classes: LABELS.length }) },
    training: { epochs: 1, batchSize: 32, optimizer: { name: 'adam', learningRate: 1e-3 } },
    rule: 'mean',
    codec: 'float32',
    degree: 3,
    standardised: true,
    deadlineMs: 120_000
  },
  // the built-in demo. 94 % after 30 rounds at Dirichlet 0.3, where training alone gives 65 %
  'digits-private': {
    model: PRIVATE_FEATURES,
    training: { steps: 10, batchSize: 64, optimizer: { name: 'sgd', learningRate: 3 } },
    rule: 'gated-geometric-median',
    codec: 'int8',
    degree: 4,
    standardised: false,
    deadlineMs: 15_000,
    // a peer of 2,000 examples spends 5 in 30 rounds
    privacy: { mechanism: 'dp-sgd', clipNorm: 2.5, noiseMultiplier: 0.9, epsilonLimit: 8, delta: 1e-5 }
  },
  // 4,010 parameters that learn, 656 that do not: 16 kB travel inside a gossip message
  'mnist-private': {
    model: PRIVATE_FEATURES,
    training: { steps: 1, batchSize: 256, optimizer: { name: 'sgd', learningRate: 4, decayRounds: 150 } },
    rule: 'mean',
    codec: 'float32',
    degree: 4,
    standardised: false,
    deadlineMs: 15_000,
    // a peer of 3,750 examples has spent 1.9 after 150 rounds; one of 1,050 comes to the limit
    privacy: { mechanism: 'dp-sgd', clipNorm: 2.5, noiseMultiplier: 2, epsilonLimit: 8, delta: 1e-5 }
  },
  // 5,038,985 parameters
  wide: {
    model: dense([2000, 1725]),
    training: { steps: 5, batchSize: 32, optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 } },
    rule: 'mean',
    codec: 'float32',
    degree: 3,
    standardised: true,
    deadlineMs: 60_000
  }
}

const TESTNETS: Readonly<Record<PresetName, PresetTestnet>> = {
  'digits-private': { peers: 8, rounds: 30, partition: { strategy: 'dirichlet', alpha: 0.3 }, dataKind: 'digits' },
  digits: { peers: 8, rounds: 15, partition: { strategy: 'dirichlet', alpha: 0.3 }, dataKind: 'digits' },
  'mnist-mlp': { peers: 4, rounds: 3, partition: { strategy: 'iid' }, dataKind: 'mnist' },
  'mnist-noniid': { peers: 16, rounds: 100, partition: { strategy: 'dirichlet', alpha: 0.1 }, dataKind: 'mnist' },
  'mnist-cnn': { peers: 4, rounds: 3, partition: { strategy: 'iid' }, dataKind: 'mnist' },
  'mnist-private': { peers: 16, rounds: 150, partition: { strategy: 'dirichlet', alpha: 0.5 }, dataKind: 'mnist' },
  // evaluating five million parameters on 10,000 images takes longer than the training; the digits have fewer
  wide: { peers: 4, rounds: 3, partition: { strategy: 'iid' }, dataKind: 'digits' }
}

/** The federation document of a preset, every default filled in; a fresh copy each time */
export function presetDocument (name: PresetName): FederationDocument {
  const { model, training, rule, codec, degree, standardised, deadlineMs, privacy = { mechanism: 'none' } } = OUTLINES[name]
  return parseFederation({
    format: 1,
    name,
    model: {
      ...structuredClone(model),
      seed: 1,
      loss: 'categoricalCrossentropy',
      input: { kind: 'image', shape: [...IMAGE], ...(standardised ? MNIST_MOMENTS : {}) },
      labels: [...LABELS]
    },
    training,
    aggregation: { rule, f: 1 },
    codec: { name: codec },
    topology: { degree },
    round: { deadlineMs, staleness: 1 },
    privacy
  } satisfies FederationInit)
}

/** How a local run of a preset is set up unless flags say otherwise */
export function presetTestnet (name: PresetName): PresetTestnet {
  return structuredClone(TESTNETS[name])
}
