/**
 * The parts of a node that nobody handed in: LevelDB in its home, training in a worker thread, a network of libp2p
 *
 * The one file of a node that names them. The network is loaded when it is asked for: libp2p takes longer to load than
 * all the rest, and meanwhile the training thread works already.
 */
import { join } from 'node:path'
import { gossipAveraging } from '../algorithm/gossip-averaging.ts'
import { openAuditLog } from '../audit-log/audit-log.ts'
import { absoluteReplicas } from '../codec/absolute-replicas.ts'
import { makeFolder } from '../make-folder.ts'
import { createWorkerTrainer } from '../model/worker-trainer.ts'
import { createTrace } from '../network/support/trace.ts'
import { createLevelStore } from '../store/level-store.ts'
import { systemClock } from '../system-clock.ts'
import { weightsFile } from './home-weights.ts'
import { NodePrivacy } from './privacy.ts'
import { votingKeysOf } from './voting-keys.ts'
import type { NodeParts } from './node-parts.ts'

export const defaultParts: NodeParts = {
  clock: systemClock,
  logger: createTrace,
  metrics: { set: () => {} },
  makeHome: async (home) => { await makeFolder(home, { mode: 0o700 }) },
  store: ({ home, keepVersions, ...init }) => createLevelStore({ location: join(home, 'db'), ...init, ...(keepVersions === undefined ? {} : { keepVersions }) }),
  weights: weightsFile,
  identity: async (home) => (await import('../network/host/identity.ts')).loadOrCreateIdentity(home),
  fetchDocument: async (init) => (await import('../network/federation-exchange.ts')).fetchFederation(init),
  enterInvited: async (wish) => (await import('./enter-invited.ts')).enterByWish(wish),
  votingKeys: votingKeysOf,
  auditLog: (home, clock) => openAuditLog(home, () => clock.now()),
  trainer: createWorkerTrainer,
  algorithm: gossipAveraging,
  account: (init) => new NodePrivacy(init),
  replicas: absoluteReplicas,
  network: async (init) => (await import('./network.ts')).nodeNetwork(init)
}

/** Every part: those that were handed in, and the default ones where none was, or undefined */
export function completeParts (parts: { [Name in keyof NodeParts]?: NodeParts[Name] | undefined }): NodeParts {
  const given = Object.entries(parts).filter(([, part]) => part !== undefined)
  return { ...defaultParts, ...Object.fromEntries(given) as Partial<NodeParts> }
}
