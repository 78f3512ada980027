/**
 * The path of README.md from folders of PNG files on three machines to what a new picture shows: six commands, no JSON
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PNG } from 'pngjs'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/seeded-random.ts'
import { temporaryFolder } from '../data/write-idx.ts'
import { run } from '../peer/program.ts'
import { PeerSet } from './peer-driver.ts'

const SIDE = 16
const EACH = 20
const ROUNDS = 3
const CLASSES = ['disc', 'ring'] as const

/** A bright disc, or a ring around a dark middle, in noise */
function picture (kind: typeof CLASSES[number], random: () => number): Buffer {
  const png = new PNG({ width: SIDE, height: SIDE })
  for (let at = 0; at < SIDE * SIDE; at++) {
    const radius = Math.hypot(at % SIDE - SIDE / 2 + 0.5, Math.floor(at / SIDE) - SIDE / 2 + 0.5)
    const bright = kind === 'disc' ? radius < 4 : radius >= 4 && radius < 7
    const grey = Math.floor((bright ? 180 : 20) + 60 * random())
    png.data.set([grey, grey, grey, 255], 4 * at)
  }
  return PNG.sync.write(png)
}

/** A folder of a site, with a sub-folder for each class */
async function scans (site: string): Promise<string> {
  const [folder, random] = [await temporaryFolder(), seededRandom(site)]
  for (const kind of CLASSES) {
    await mkdir(join(folder, kind))
    for (let i = 0; i < EACH; i++) {
      await writeFile(join(folder, kind, `${site}-${i}.png`), picture(kind, random))
    }
  }
  return folder
}

describe('folders of pictures on three machines', () => {
  it('become a model that says what a new picture shows', async () => {
    const [first, second, third] = [await scans('ana'), await scans('ben'), await scans('eva')] as const
    const quick = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']
    await using peers = await PeerSet.create()
    const home = peers.home('ana')

    const made = await run(['init', '--home', home, '--data', `images:${first}`, '--epochs', '5', ...quick])
    expect(made.exit).toBe(0)
    expect((await run(['document', 'explain', home])).stdout).toMatch(/model\.input\.mean = 0\.5 .*the same for all pictures: of nobody's data/)
    const ana = peers.spawn('ana', ['start', '--rounds', String(ROUNDS)])
    await ana.line('joined')
    const invitation = join(await temporaryFolder(), 'scans.invite')
    expect(await run(['invite', '--home', home, '--uses', '2', '--output', invitation])).toMatchObject({ exit: 0, stdout: '' })
    const others = [['ben', second], ['eva', third]].map(([name, folder]) => peers.spawn(name!, ['join', invitation, '--data', `images:${folder}`, '--rounds', String(ROUNDS), ...quick]))
    for (const peer of [ana, ...others]) {
      expect(await peer.exited).toMatchObject({ code: 0 })
      expect(peer.rounds.at(-1)).toMatchObject({ round: ROUNDS, accepted: 2 })
    }

    const shots = await temporaryFolder()
    const random = seededRandom('new')
    for (const kind of CLASSES) {
      await writeFile(join(shots, `${kind}.png`), picture(kind, random))
      const { exit, stdout } = await run(['predict', join(shots, `${kind}.png`), '--home', home, '--json'])
      expect(exit).toBe(0)
      const [row] = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['label'] !== undefined)
      expect(row).toMatchObject({ label: kind })
    }
  }, 120_000)
})
