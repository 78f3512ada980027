/**
 * SIGKILL, a thousand times, and at least fifty times inside each of charge, publication number, publish, commit and
 * prune
 *
 *   npm run verify:kills [-- --kills 1000 --seed 1 --victims 3 --minutes 60 --meshes gossiped,pulled,large]
 *
 * Real peer processes under DP-SGD, on real homes, in three meshes on loopback: `--victims` of them whose updates are
 * gossiped, one whose updates are pulled, one whose removed versions are compacted. A third or so of the kills are
 * aimed: the peer is stopped at the line of its own trace with which the phase begins, and killed only if that of its
 * end was not written (life.ts); the others come at random, in the start and in the rounds. After each the home and the
 * ledger are read, and the peer starts again on what is there; what must hold is in invariants.ts. Ends with 1 when
 * anything did not, and keeps the homes then.
 */
import '../src/promise-with-resolvers.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/seeded-random.ts'
import { MESH_NAMES } from './kills/documents.ts'
import { Mesh } from './kills/mesh.ts'
import { planKills } from './kills/plan.ts'
import { table } from './kills/table.ts'
import type { KillQueue } from './kills/plan.ts'
import type { NamedHit } from './kills/table.ts'
import type { Victim } from './kills/victim.ts'

const PROGRESS_EVERY = 25

async function torture (victim: Victim, mesh: Mesh, { queue, hits }: { queue: KillQueue, hits: NamedHit[] }): Promise<void> {
  for (let plan = queue.next(mesh.name); plan !== undefined && performance.now() < endMs; plan = queue.next(mesh.name)) {
    const before = victim.problems.length
    const hit = await victim.liveAndDie(plan)
    if (plan.kind === 'stop' && hit.phase?.stop !== plan.stop) {
      queue.again(plan)
    }
    hits.push({ ...hit, victim })
    if (hits.length % PROGRESS_EVERY === 0) {
      console.error(`${hits.length} kills, ${queue.left} to go, ${(performance.now() / 1_000).toFixed(0)} s`)
    }
    victim.problems.slice(before).forEach((problem) => { console.error(`${victim.init.name}: ${problem}`) })
  }
  await victim.retire()
}

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' }, victims: { type: 'string', default: '3' }, minutes: { type: 'string', default: 'Infinity' }, meshes: { type: 'string', default: MESH_NAMES.join() } }
})
const [kills, victims] = [Number(values.kills), Number(values.victims)]
if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(victims) || victims < 1) {
  throw new RangeError('--kills and --victims must be integers of at least 1')
}
const names = MESH_NAMES.filter((name) => values.meshes.split(',').includes(name))
const endMs = Number(values.minutes) * 60_000
const random = seededRandom(`kills/${values.seed}`)
const folder = await mkdtemp(join(tmpdir(), 'grapevine-kills-'))
const meshes = await Promise.all(names.map(async (name) => Mesh.create({ name, folder, victims: name === 'gossiped' ? victims : 1, random })))
const queue = planKills(kills, random, names)
const hits: NamedHit[] = []
const problems: string[] = []

await Promise.all(meshes.flatMap((mesh) => mesh.victims.map(async (victim) => {
  try {
    await torture(victim, mesh, { queue, hits })
  } catch (err) {
    victim.problems.push(String(err))
  }
})))
for (const mesh of meshes) {
  const { banned, equivocations, refused } = await mesh.verdict()
  console.error(`${mesh.name}: refused by the neighbours: ${JSON.stringify(refused)}`)
  for (const victim of mesh.victims) {
    victim.checkReceived()
    const { peer, problems: found, warnings, init: { name } } = victim
    console.error(`${name}: ${victim.kills} kills, warnings ${JSON.stringify(Object.fromEntries(warnings))}`)
    problems.push(...found.map((problem) => `${name}: ${problem}`))
    banned.includes(peer!) && problems.push(`${name} is banned`)
    equivocations.includes(peer!) && problems.push(`${name} was proven to sign two updates for one round`)
  }
  await mesh.end()
}
console.log(table(hits, { seconds: performance.now() / 1_000, problems: problems.length }))
problems.forEach((problem) => { console.log(problem) })
if (problems.length === 0) {
  await rm(folder, { recursive: true, force: true })
} else {
  console.error(`what is left lies in ${folder}`)
  process.exitCode = 1
}
