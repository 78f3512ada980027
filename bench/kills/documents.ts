/**
 * The federations of `npm run verify:kills`: one whose updates travel inside gossip messages, one whose updates are
 * pulled, and one whose removed versions are soon worth a compaction
 */
import { parseFederation } from '../../src/federation/document.ts'
import { denseTopology } from '../../src/model/topology.ts'
import { presetDocument } from '../../src/presets.ts'
import type { FederationDocument } from '../../src/federation/document.ts'

export const MESH_NAMES = ['gossiped', 'pulled', 'large'] as const

export type MeshName = typeof MESH_NAMES[number]

/** A round costs so little that thousands of them stay far from the limit */
const PRIVACY = { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 20, epsilonLimit: 1_000, delta: 1e-5, accountant: 'rdp' } as const

/**
 * Units of the hidden layer: 203,530 parameters, 0.8 MB a version and 204 kB an update; 5,088,010 parameters, 20 MB a
 * version, of which two are worth a compaction. LevelDB cleans up after smaller ones by itself (of 8.9 MB: 87 rounds
 * without)
 */
const HIDDEN: Readonly<Record<Exclude<MeshName, 'gossiped'>, number>> = { pulled: 256, large: 6_400 }

/** The private preset, with short rounds and a rule that needs one neighbour only */
export function meshDocument (name: MeshName): FederationDocument {
  const preset = presetDocument('digits-private')
  const { constants: _features, ...plain } = preset.model
  const model = name === 'gossiped' ? preset.model : { ...plain, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [HIDDEN[name]], classes: 10 }) }
  return parseFederation({
    ...preset,
    name: `kills-${name}`,
    model,
    training: { steps: 1, batchSize: 64, optimizer: { name: 'sgd', learningRate: 0.1 } },
    aggregation: { rule: 'mean', f: 0 },
    privacy: PRIVACY
  })
}
