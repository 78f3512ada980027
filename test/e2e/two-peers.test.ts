/**
 * Two hospitals alone: a document made by flags, and a number that both learn to predict
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/seeded-random.ts'
import { run } from '../peer/program.ts'
import { temporaryFolder } from '../data/write-idx.ts'
import { PeerSet } from './peer-driver.ts'

const QUICK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']
const ROUNDS = 4

/** What one site sees of a dose that depends on both columns: each site has the other half of the ages */
function patients (from: number): string {
  const random = seededRandom(`site ${from}`)
  const rows = Array.from({ length: 240 }, () => {
    const [age, weight] = [from + 30 * random(), 50 + 50 * random()]
    return [age.toFixed(2), weight.toFixed(2), (2 * age + weight + 4 * random()).toFixed(2)].join(',')
  })
  return ['age,weight,dose', ...rows, ''].join('\n')
}

describe('two peers with the rule for two', () => {
  it('train in the same rounds, and predict what either site sees', async () => {
    const folder = await temporaryFolder()
    const [young, old, all] = ['young', 'old', 'all'].map((name) => join(folder, `${name}.csv`)) as [string, string, string]
    await writeFile(young, patients(20))
    await writeFile(old, patients(60))
    await writeFile(all, patients(20) + patients(60).slice('age,weight,dose\n'.length))
    await using peers = await PeerSet.create()
    const made = await run(['init', '--home', peers.home('founder'), '--data', `csv:${young}`, '--test-data', all, '--membership', 'open', '--task', 'regression', '--target-range', '0..300', '--target-unit', 'mg', '--peers', '2', '--hidden', 'none', '--epochs', '20', '--learning-rate', '0.01', ...QUICK])
    expect(made.exit).toBe(0)
    expect(made.stderr).toContain('it withstands nobody who lies')

    const founder = peers.spawn('founder', ['start', '--rounds', String(ROUNDS)])
    const other = peers.spawn('other', ['join', await founder.address(), '--data', `csv:${old}`, '--test-data', all, '--rounds', String(ROUNDS), ...QUICK])
    const last = await Promise.all([founder.round(ROUNDS), other.round(ROUNDS)])
    for (const line of last) {
      expect(line).toMatchObject({ accuracy: null, figures: { kind: 'regression', unit: 'mg' } })
      expect((line['figures'] as { r2: number }).r2).toBeGreaterThan(0.9)
    }
    for (const peer of [founder, other]) {
      expect(await peer.exited).toMatchObject({ code: 0 })
      expect(peer.rounds.every((line) => line['accepted'] === 1)).toBe(true)
    }
  }, 120_000)
})
