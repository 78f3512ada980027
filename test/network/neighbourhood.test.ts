import { afterEach, describe, expect, test } from 'vitest'
import { neighbourGraph } from '../../src/network/neighbour-graph.ts'
import { FEDERATION, createMeshNode, isComplete, until } from './mesh.ts'
import type { MeshNode, MeshNodeInit } from './mesh.ts'

let nodes: MeshNode[] = []

async function add (init: MeshNodeInit = {}): Promise<MeshNode> {
  const node = await createMeshNode(init)
  nodes.push(node)
  return node
}

/** `count` nodes that know one address and start at the same time */
async function mesh (count: number, init: MeshNodeInit = {}): Promise<MeshNode[]> {
  const first = await add(init)
  const rest = await Promise.all(Array.from({ length: count - 1 }, async () => await add({ ...init, bootstrap: [first.addresses()[0]!] })))
  const all = [first, ...rest]
  await Promise.all(all.map(async ({ neighbourhood }) => { await neighbourhood.start() }))
  return all
}

afterEach(async () => {
  await Promise.all(nodes.map(async (node) => { await node.stop() }))
  nodes = []
})

describe('neighbourhood', () => {
  for (const count of [12, 32]) {
    test(`${count} nodes that start at once with one address learn all members, agree on the graph and connect along it`, async () => {
      const started = performance.now()
      const all = await mesh(count, { degree: 4 })
      const views = await until(() => all.every(({ neighbourhood }) => neighbourhood.members().length === count), 30_000, 'full view')
      await until(() => isComplete(all), 30_000, 'all edges are connections')
      console.info(`${count} nodes: full view after ${views.toFixed(0)} ms, all edges connected ${(performance.now() - started).toFixed(0)} ms after the start`)
      const names = all.map(({ name }) => name)
      const graph = neighbourGraph(names, 4, FEDERATION)
      await until(() => all.every(({ name, neighbourhood }) => neighbourhood.neighbours().join() === graph.get(name)!.join()), 10_000, 'same graph')
      expect(all.map(({ neighbourhood }) => neighbourhood.members())).toEqual(all.map(() => [...names].sort()))
    })
  }
})
