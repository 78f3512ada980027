/**
 * A node that does nothing but say what it is told to: for what stands between a node and its operator
 */
import { TypedEventEmitter } from 'main-event'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { NodeGovernance } from '../../src/governance/governance-interface.ts'
import type { ModelVersion } from '../../src/interface.ts'
import type { GrapevineNode, NodeDescription, NodeEvents, NodeStatus } from '../../src/node/node-interface.ts'
import type { RoundReport } from '../../src/round/round-events.ts'
import type { LedgerReader } from '../../src/ledger/ledger.ts'

export function modelVersion (round: number): ModelVersion {
  return { id: String(round).padStart(64, 'a'), round, parents: ['b'.repeat(64)], parametersHash: 'c'.repeat(64), parameterCount: 3, createdAt: 1_700_000_000_000, metrics: { accuracy: 0.5, loss: 1.25 }, mixed: true }
}

export function roundReport (report: Partial<RoundReport> = {}): RoundReport {
  return {
    round: 3,
    accepted: 2,
    rejected: {},
    rejectedPeers: {},
    late: 0,
    keptOwn: false,
    trainLoss: 0.7,
    loss: 0.512,
    accuracy: 0.8414,
    neighbourDistance: 0.1,
    suspects: {},
    quarantined: {},
    banned: [],
    bytesSent: 33_100,
    bytesReceived: 99_400,
    durationMs: 1240,
    phases: { trainMs: 900, encodeMs: 5, publishMs: 5, waitMs: 200, aggregateMs: 10, evaluateMs: 100, persistMs: 20 },
    examples: 100,
    privacy: null,
    ...report
  }
}

export class FakeNode extends TypedEventEmitter<NodeEvents> implements GrapevineNode {
  status: NodeStatus = 'training'
  document: FederationDocument | undefined
  governed: NodeGovernance | undefined
  addresses = ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWself']

  say<K extends keyof NodeEvents> (type: K, detail: NodeEvents[K]['detail']): void {
    this.safeDispatchEvent(type, { detail })
  }

  weights (): undefined {}
  governance (): NodeGovernance | undefined {
    return this.governed
  }

  async start (): Promise<void> {}
  async stop (): Promise<void> {}
  async stopped (): Promise<{ reason: 'request' }> {
    return { reason: 'request' }
  }

  describe (): NodeDescription {
    return {
      status: this.status,
      peer: '12D3KooWself',
      home: '/home/fake',
      addresses: this.addresses,
      federation: { id: 'bafy', name: 'fake' },
      startedAt: 0,
      round: 3,
      phase: 'train',
      minMembers: 3,
      members: [],
      limits: { algebraicConnectivity: 3, toleratedLiars: 1, f: 1, warning: undefined },
      privacy: null,
      waiting: undefined,
      connections: [],
      neighbours: [],
      unanswered: [],
      identityInUse: undefined,
      trainer: undefined,
      lastRound: roundReport(),
      latestVersion: modelVersion(3),
      newestVersion: modelVersion(3),
      traffic: { bytesSent: 1, bytesReceived: 2 }
    }
  }

  async versions ({ limit = 10 }: { limit?: number } = {}): Promise<ModelVersion[]> {
    return [3, 2, 1].slice(0, limit).map(modelVersion)
  }

  async version (selector: string): Promise<{ version: ModelVersion, parameters: Float32Array } | undefined> {
    if (selector === 'aaaa') {
      throw Object.assign(new RangeError('"aaaa" fits 3 versions'), { name: 'AmbiguousVersionError' })
    }
    return selector === 'latest' ? { version: modelVersion(3), parameters: Float32Array.of(1, -2.5, 3) } : undefined
  }

  federation (): FederationDocument | undefined {
    return this.document
  }

  ledger (): LedgerReader | undefined {
    return undefined
  }
}
