import { beforeAll, describe, expect, it } from 'vitest'
import { RecordSet } from '../../src/governance/record-set.ts'
import { initialState } from '../../src/governance/roster.ts'
import { readRecord, signStatement } from '../../src/governance/statements.ts'
import { anyCertificate, certify, endorse, FEDERATION, NOW, people, settingsOf, votingKeyOf } from './people.ts'
import type { Statement } from '../../src/governance/governance-interface.ts'
import type { Signer } from '../../src/governance/peer-key.ts'

const voters = people(4)

describe('hostile members', () => {
  const [liar] = voters as [Signer]
  const settings = settingsOf(voters, { guestsPerMember: 4 })

  function setAfter (statements: readonly Statement[]): RecordSet {
    const set = new RecordSet(initialState(FEDERATION, settings), anyCertificate)
    statements.forEach((statement) => set.offer(statement, NOW))
    return set
  }

  it('fill no places but their own, and those are few', async () => {
    const peers = people(120, 500)
    const common = { federation: FEDERATION }
    const floods: Array<[number, Array<Promise<Statement>>]> = [
      // two for each number up to the limit, and one above
      [9, peers.map(async (guest, index) => certify(liar, guest, index % 8 + 1))],
      [64, peers.map(async (stranger) => signStatement(stranger, { kind: 'request', ...common, at: NOW }))],
      [1, peers.map(async (_, index) => signStatement(peers[0]!, { kind: 'request', ...common, at: NOW + index }))],
      [32, peers.map(async ({ peer }) => endorse(liar, { do: 'admit', peer }))],
      [1, peers.map(async (_, index) => endorse(liar, { do: 'admit', peer: peers[0]!.peer }, 0, NOW + index))],
      [32, peers.map(async (_, index) => signStatement(liar, { kind: 'objection', ...common, epoch: 0, actId: votingKeyOf(index), at: NOW }))],
      [4, peers.map(async (_, index) => signStatement(liar, { kind: 'voting-key', ...common, epoch: index % 4, votingKey: votingKeyOf(index) }))],
      [1, peers.map(async (_, index) => signStatement(liar, { kind: 'departure', ...common, at: NOW + index, slot: 0 }))],
      [0, peers.map(async (stranger) => endorse(stranger, { do: 'admit', peer: stranger.peer }))]
    ]
    for (const [most, flood] of floods) {
      expect(setAfter(await Promise.all(flood)).size).toBe(most)
    }
  })

  it('with ever more guests of guests do not push out who is nearer to the voters', async () => {
    const set = new RecordSet(initialState(FEDERATION, settings), anyCertificate, { maxCertificates: 24 })
    const guests = people(84, 700)
    const tree = await Promise.all(guests.map(async (guest, index) => certify(index < 4 ? liar : guests[Math.floor(index / 4) - 1]!, guest, index % 4 + 1)))
    tree.forEach((statement) => set.offer(statement, NOW))
    expect(set.size).toBe(24)
    const honest = await certify(voters[1]!, people(1, 990)[0]!, 1)
    expect(set.offer(honest, NOW).verdict).toBe('news')
    expect(set.size).toBe(24)
    expect(tree.slice(0, 4).every(({ id }) => set.digests.get(new Uint8Array(Buffer.from(id, 'hex'))) !== undefined)).toBe(true)
  })
})

describe('4,096 records', () => {
  let certificates: Statement[]
  const settings = settingsOf(voters, { guestsPerMember: 16 })

  beforeAll(async () => {
    const guests = people(4_096, 10_000)
    certificates = await Promise.all(guests.map(async (guest, index) => certify(index < 64 ? voters[index >> 4]! : guests[(index >> 4) - 4]!, guest, (index & 15) + 1)))
  })

  function filled (records: readonly Statement[]): RecordSet {
    const set = new RecordSet(initialState(FEDERATION, settings), anyCertificate)
    records.forEach((statement) => set.offer(statement, NOW))
    return set
  }

  it('in the order of their ids are taken over in one pass', () => {
    const records = certificates.map(({ bytes }) => readRecord(bytes) as Statement).sort((a, b) => a.id < b.id ? -1 : 1)
    const begin = performance.now()
    const set = filled(records)
    const ms = performance.now() - begin
    expect(set.size).toBe(4_096)
    // eslint-disable-next-line no-console -- a figure for people
    console.log(`taking over 4,096 certificates in the order of their ids: ${ms.toFixed(0)} ms`)
  })

  it('cost 32 bytes to compare where nothing differs, 2 kB to find the bucket where one does', () => {
    const all = filled(certificates)
    const fewer = filled(certificates.slice(0, -1))
    const begin = performance.now()
    const roots = [all.digests.root(), fewer.digests.root()]
    const [mine, theirs] = [all.digests.buckets(), fewer.digests.buckets()]
    const ms = (performance.now() - begin) / 2
    expect(filled(certificates.toReversed()).digests.root()).toEqual(roots[0])
    expect(roots[0]).not.toEqual(roots[1])
    expect([roots[0]!.byteLength, mine.byteLength]).toEqual([32, 2_048])
    const differing = Array.from({ length: 256 }, (_, bucket) => bucket).filter((bucket) => Buffer.compare(mine.subarray(8 * bucket, 8 * bucket + 8), theirs.subarray(8 * bucket, 8 * bucket + 8)) !== 0)
    const last = certificates.at(-1)!
    expect(differing).toEqual([Number.parseInt(last.id.slice(0, 2), 16)])
    const [bucket] = differing
    const missing = all.digests.idsIn(bucket!).map((id) => Buffer.from(id).toString('hex')).filter((id) => !fewer.digests.idsIn(bucket!).some((other) => Buffer.from(other).toString('hex') === id))
    expect(missing).toEqual([last.id])
    // eslint-disable-next-line no-console -- figures for people
    console.log(`4,096 records: root 32 B, buckets 2,048 B, ids of a bucket ${32 * all.digests.idsIn(bucket!).length} B; digests in ${ms.toFixed(1)} ms`)
    expect(fewer.offer(last, NOW).verdict).toBe('news')
    expect(fewer.digests.root()).toEqual(roots[0])
  })

  it('have digests of zeros where a bucket is empty, and nothing where there is no such', () => {
    const one = filled(certificates.slice(0, 1))
    const place = Number.parseInt(certificates[0]!.id.slice(0, 2), 16)
    const rest = one.digests.buckets()
    rest.fill(0, 8 * place, 8 * place + 8)
    expect(rest).toEqual(new Uint8Array(2_048))
    expect([one.digests.idsIn(-1), one.digests.idsIn(256), one.digests.idsIn(1.5), one.digests.get(new Uint8Array(31)), one.digests.get(new Uint8Array(32))]).toEqual([[], [], [], undefined, undefined])
  })
})
