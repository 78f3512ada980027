/**
 * What differential privacy costs in accuracy: DP-SGD on real MNIST with the product's own training, noise and mixing
 *
 *     npm run bench:privacy [-- --recipes 'epsilon 1,epsilon 8' --seeds 0,1,2 --rounds 50 --threads 4 --json FILE]
 *
 * 16 peers of 3,750 examples each, random 4-regular, Dirichlet 0.5, delta 1e-5, one step and one exchange in a round.
 * Every peer clips and adds noise on its own. Mean accuracy of the peers' own models on all test examples, of a peer
 * alone and with gossip, beside what independent code (PyTorch, one seed, no fixed features) gave on this kind of
 * split; then epsilon 8 with the default robust rule, 8 honest neighbours and one liar more beside each peer. Epsilon
 * by both accountants: noise is chosen by PLD.
 *
 * Uses the MNIST files in ../shared/data/mnist or GRAPEVINE_MNIST where they are, else generated digits, to which the
 * expected numbers do not apply. The noise comes from the seed, so that a table can be made again.
 */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { privateCells, RECIPES, SHARE } from './laboratory/private-recipes.ts'
import { attackTable, privateTable } from './laboratory/private-table.ts'
import { runCells } from './laboratory/run-cells.ts'
import { dataSource } from './laboratory/shared-data.ts'
import type { RecipeName } from './laboratory/private-recipes.ts'

const { values } = parseArgs({
  options: {
    recipes: { type: 'string', default: Object.keys(RECIPES).join(',') },
    seeds: { type: 'string', default: '0' },
    rounds: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'string' }
  }
})

function recipesOf (text: string): RecipeName[] {
  return text.split(',').map((name) => {
    if (!Object.hasOwn(RECIPES, name)) {
      throw new RangeError(`there is no recipe "${name}": there are ${Object.keys(RECIPES).join(', ')}`)
    }
    return name as RecipeName
  })
}

const recipes = recipesOf(values.recipes)
const seeds = values.seeds.split(',').map(Number)
const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
const source = await dataSource()
const cells = privateCells(recipes, seeds, rounds)
const finished = await runCells(cells, { source, threads: Number(values.threads), worker: new URL('./laboratory/private-worker.js', import.meta.url) })
const table = {
  recipes,
  examples: source.kind === 'idx' ? SHARE : 1_000,
  /** The expected numbers are of whole runs on MNIST */
  comparable: source.kind === 'idx' && rounds === undefined
}

console.log('\nmean accuracy of the peers, % (reference, difference), and of the worst peer; epsilon at delta 1e-5')
console.table(privateTable(finished, table))
if (recipes.includes('epsilon 8')) {
  console.log('\none liar beside each peer of 8 honest neighbours, %')
  console.table(attackTable(finished, table))
}
if (values.json !== undefined) {
  await writeFile(values.json, JSON.stringify(finished, null, 1) + '\n')
}
