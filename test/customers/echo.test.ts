/**
 * A hard customer of the exchange: an echo in two steps, to one receiver each, in nodes of their own
 */
import assert from 'node:assert'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../src/contracts/helpers.ts'
import { createNode, defaultParts, denseTopology, encodeFederation, federationId, inspectTopology, parseFederation, presetDocument } from '../../src/index.ts'
import { readProof } from '../../src/network/signed/equivocation.ts'
import { EquivocationProof } from '../../src/network/wire/membership.ts'
import { MemoryHub } from '../round/memory-network.ts'
import { Stage } from '../network/nodes.ts'
import { open } from '../network/step-stream.ts'
import { echoProtocol } from './echo-protocol.ts'
import { LyingNetwork } from './lying-network.ts'
import type { FederationDocument, GrapevineNode, NodeInit, NodeParts, RoundReport, Store, Trainer } from '../../src/index.ts'
import type { Echo, EchoInit } from './echo-protocol.ts'

const preset = presetDocument('digits')
const federation = parseFederation({
  ...preset,
  model: { ...preset.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: 10 }) },
  aggregation: { rule: 'mean', f: 0 },
  privacy: { mechanism: 'none' },
  round: { deadlineMs: 3_000, staleness: 1 }
})
const { layout, parameterCount } = inspectTopology(federation.model)

function trainerFor (target: number): Trainer {
  return {
    start: async () => ({ backend: 'cpu', stepMs: {}, unavailable: {}, layout, parameterCount, trainExamples: 100, testExamples: 10 }),
    stop: async () => {},
    initialParameters: async () => new Float32Array(parameterCount).fill(0.5),
    train: async (parameters) => ({ parameters: parameters.map((x) => x + (target - x) / 2), loss: 1, examples: 100, steps: 1 }),
    evaluate: async () => ({ loss: 1, accuracy: 0.5, examples: 10 }),
    sampleLoss: async () => 0
  }
}

interface Customer {
  node: GrapevineNode
  peer: () => string
  reports: RoundReport[]
  echoes: Echo[]
  rejected: string[]
  warnings: string[]
  store: () => Store
}

const stage = new Stage()
const running: GrapevineNode[] = []
const homes: string[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (node) => node.stop({ force: true })))
  await stage.strike()
  await Promise.all(homes.splice(0).map(async (home) => rm(home, { recursive: true, force: true })))
})

function customer (init: Omit<NodeInit, 'data'>, parts: Partial<NodeParts> = {}, { document = federation, ...echo }: EchoInit & { document?: FederationDocument } = {}): Customer {
  const stores: Store[] = []
  const echoes: Echo[] = []
  const made = parts.store ?? defaultParts.store
  const node = createNode({ federation: document, data: { kind: 'digits', seed: 1, trainExamples: 100, testExamples: 10 }, minMembers: 3, ...init }, {
    trainer: () => trainerFor(1 + running.length / 10),
    protocol: echoProtocol({ ...echo, onEcho: (heard) => { echoes.push(heard) } }),
    ...parts,
    store: (part) => {
      const store = made(part)
      stores.push(store)
      return store
    }
  })
  running.push(node)
  const seen: Customer = { node, peer: () => node.describe().peer, reports: [], echoes, rejected: [], warnings: [], store: () => stores[0]! }
  node.addEventListener('round:end', ({ detail }) => { seen.reports.push(detail) })
  node.addEventListener('update:rejected', ({ detail: { peer, reason } }) => { seen.rejected.push(`${reason} ${peer}`) })
  node.addEventListener('warning', ({ detail: { code } }) => { seen.warnings.push(code) })
  return seen
}

/** Nodes on 127.0.0.1, each with a home of its own */
async function onTcp (count: number, { rounds, parts = () => ({}) }: { rounds: number, parts?: (index: number) => Partial<NodeParts> }): Promise<Customer[]> {
  const customers: Customer[] = []
  for (let index = 0; index < count; index++) {
    const home = await mkdtemp(join(tmpdir(), 'grapevine-echo-'))
    homes.push(home)
    const bootstrap = customers.slice(0, 1).map(({ node }) => node.describe().addresses[0]!)
    const made = customer({ home, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, rounds, minMembers: count }, parts(index))
    customers.push(made)
    await made.node.start()
  }
  return customers
}

const answered = ({ echoes }: Customer): Echo[] => echoes.filter(({ answer }) => answer !== undefined)

describe('an echo over TCP', () => {
  it('comes back to each peer from the one that it asked, and from nobody else; that peer alone takes part', async () => {
    const customers = await onTcp(3, { rounds: 4 })
    await Promise.all(customers.map(async ({ node }) => node.stopped()))
    const names = customers.map(({ peer }) => peer()).sort()
    for (const made of customers) {
      const next = names[(names.indexOf(made.peer()) + 1) % 3]!
      const last = made.echoes.at(-1)!
      expect(last).toEqual({ round: 4, next, sent: `round 4, ${made.peer()} to ${next}`, answer: `round 4, ${made.peer()} to ${next}` })
      expect(made.reports.at(-1)).toMatchObject({ round: 4, accepted: 1 })
      expect(made.rejected).toEqual([])
    }
  }, 30_000)

  it('goes on among those who are left when a peer stops in the middle', async () => {
    const customers = await onTcp(3, { rounds: 9 })
    const [stopping, ...others] = customers
    await until(() => stopping!.reports.length >= 3)
    const gone = stopping!.peer()
    await stopping!.node.stop({ force: true })
    const ends = await Promise.all(others.map(async ({ node }) => node.stopped()))
    expect(ends).toEqual([{ reason: 'rounds' }, { reason: 'rounds' }])
    for (const [index, made] of others.entries()) {
      const other = others[1 - index]!.peer()
      expect(made.reports.at(-1)).toMatchObject({ round: 9, accepted: 1 })
      expect(answered(made).at(-1)).toMatchObject({ round: 9, next: other })
      // each round with the one that is gone ended within the deadline of each step
      expect(Math.max(...made.reports.map(({ phases }) => phases.waitMs))).toBeLessThan(3 * 3_000 + 1_000)
      expect(answered(made).some(({ next }) => next === gone) || answered(others[1 - index]!).some(({ next }) => next === gone)).toBe(true)
    }
  }, 60_000)

  it('convicts a peer that tells its receiver two things in one step, by a proof that anyone can check', async () => {
    let lied: Promise<LyingNetwork> | undefined
    const customers = await onTcp(3, {
      rounds: 6,
      parts: (index) => index !== 2
        ? {}
        : {
            network: async (init) => (lied = LyingNetwork.create(init, ({ step, ...said }) => step === 1 && said.round === 2 && typeof said.to === 'string'
              ? [{ message: { ...said, step, sequence: said.sequence + 1_000, payload: Buffer.from('another token') }, hand: said.to }]
              : []))
          }
    })
    const honest = customers.slice(0, 2)
    const liar = customers[2]!.peer()
    const known: boolean[] = []
    await until(() => honest.every((made, index) => (known[index] ||= made.reports.at(-1)?.banned.includes(liar) === true)))
    expect((await lied!).answers).toHaveLength(1)
    const id = federationId(encodeFederation(federation))
    // one of them was lied to, and the other believes the proof alone
    const receivers = honest.filter(({ rejected }) => rejected.length > 0)
    expect(honest.flatMap(({ rejected }) => rejected)).toContain(`equivocation ${liar}`)
    expect(receivers.length).toBeGreaterThanOrEqual(1)
    for (const { store } of honest) {
      const ban = (await store().bans()).find(({ peer }) => peer === liar)
      assert(ban?.evidence !== undefined)
      const read = readProof(EquivocationProof.decode(Buffer.from(ban.evidence, 'hex')), id)
      assert(typeof read === 'object')
      expect(read.proof.author).toBe(liar)
      expect(read.verify()).toBe(true)
    }
    // the honest ones have each other
    await until(() => honest.every((made) => answered(made).at(-1)!.round > 2 && made.reports.at(-1)!.accepted === 1))
  }, 60_000)

  it('refuses, counts and survives what is of wrong rounds, for somebody else or too long, and strangers', async () => {
    const customers = await onTcp(3, {
      rounds: 5,
      parts: (index) => index !== 2
        ? {}
        : {
            network: async (init) => LyingNetwork.create(init, ({ round, step, sequence, to }, { self }) => {
              const hand = String(to)
              const lie = { round, step, sequence: sequence + 1_000, payload: Buffer.from('lie'), to: hand }
              return step !== 1 || round !== 2
                ? []
                : [
                    { hand, message: { ...lie, round: 1 } },
                    { hand, message: { ...lie, round: 1_000 } },
                    { hand, message: { ...lie, to: self } },
                    { hand, message: { ...lie, payload: new Uint8Array(2_000) } }
                  ]
            })
          }
    })
    const honest = customers.slice(0, 2)
    const stranger = await stage.startedHost()
    await stranger.libp2p.dial(multiaddr(honest[0]!.node.describe().addresses[0]))
    await (await open(stranger)).readMessage(64).catch(() => { /* hung up on */ })
    await Promise.all(honest.map(async ({ node }) => node.stopped()))
    const liar = customers[2]!.peer()
    const rejected = honest.flatMap((made) => made.rejected)
    expect(rejected.filter((line) => line.startsWith('round-window'))).toEqual([`round-window ${liar}`, `round-window ${liar}`])
    for (const line of [`wrong-receiver ${liar}`, `oversized ${liar}`, `stranger ${stranger.self}`]) {
      expect(rejected.filter((known) => known === line)).toEqual([line])
    }
    const counted = honest.flatMap(({ reports }) => reports.flatMap((report) => Object.entries(report.rejected)))
    expect(counted).toContainEqual(['wrong-receiver', 1])
    for (const made of honest) {
      expect(made.reports.at(-1)).toMatchObject({ round: 5, accepted: 1 })
    }
  }, 60_000)
})

describe('an echo in memory', () => {
  const parts = (hub: MemoryHub, index: number): Partial<NodeParts> => ({
    makeHome: async () => {},
    identity: async () => generateKeyPair('Ed25519'),
    network: async () => Object.assign(hub.join(`peer-${index}`), { newestOwn: async () => ({ answers: 2 }) })
  })

  it('that one peer never gives is no result for the one that asked it, and holds nobody up longer than the deadline', async () => {
    const hub = new MemoryHub()
    const rounds = 3
    const customers: Customer[] = []
    for (const index of [0, 1, 2]) {
      const home = await mkdtemp(join(tmpdir(), 'grapevine-echo-'))
      homes.push(home)
      customers.push(customer({ home, rounds }, parts(hub, index), { isMute: index === 2 }))
    }
    for (const { node } of customers) {
      await node.start()
    }
    await Promise.all(customers.map(async ({ node }) => node.stopped()))
    const [zero, one, two] = customers as [Customer, Customer, Customer]
    // the ring is 0 -> 1 -> 2 -> 0, and 2 answers nobody
    expect(one.reports.map(({ accepted, keptOwn }) => ({ accepted, keptOwn }))).toEqual(Array(one.reports.length).fill({ accepted: 0, keptOwn: true }))
    expect(answered(one)).toEqual([])
    expect(one.warnings).toContain('no-result')
    expect(zero.reports.some(({ accepted }) => accepted === 1)).toBe(true)
    expect(two.reports.some(({ accepted }) => accepted === 1)).toBe(true)
    for (const { reports } of customers) {
      expect(reports.at(-1)!.round).toBe(rounds)
      expect(Math.max(...reports.map(({ phases }) => phases.waitMs))).toBeLessThan(3 * 3_000 + 1_000)
    }
  }, 60_000)
})
