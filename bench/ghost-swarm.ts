/**
 * The swarm of attacks/ghosts.ts as a program of its own, for a network that only a child process is in
 *
 *   node dist/bench/ghost-swarm.js --federation CID --address MULTIADDR --ghosts 200 [--poses]
 *
 * Prints the names of the ghosts, one a line, when all were told once, and goes on until its standard input closes.
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { Swarm } from './attacks/ghosts.ts'

const { values } = parseArgs({
  options: {
    federation: { type: 'string', default: '' },
    address: { type: 'string', multiple: true, default: [] },
    ghosts: { type: 'string', default: '200' },
    poses: { type: 'boolean', default: false }
  }
})
await using swarm = await Swarm.begin({ ...values, addresses: values.address, ghosts: Number(values.ghosts) })
process.stdout.write(`${[...swarm.names].join('\n')}\n`)
process.stdin.resume()
await once(process.stdin, 'close')
