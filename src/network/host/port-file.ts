/**
 * `<home>/listen.json`: the port that was drawn for this peer, so that it listens there again after a restart
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PortMemory } from './listening.ts'

const PORT_FILE = 'listen.json'

const MAX_PORT = 65_535

function isPort (value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= MAX_PORT
}

/** What is no port in it is left out: a peer with another port is still a peer, and writes the file anew */
function parsePorts (text: string): number[] {
  try {
    const { ports } = JSON.parse(text) as { ports?: unknown }
    return Array.isArray(ports) ? ports.filter(isPort) : []
  } catch {
    return []
  }
}

/** `load` and `save` reject with the errors of the file system; a missing file holds no port */
export function portFile (home: string): PortMemory {
  const file = join(home, PORT_FILE)
  return {
    load: async () => {
      try {
        return parsePorts(await readFile(file, 'utf8'))
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
          return []
        }
        throw err
      }
    },
    save: async (ports) => {
      const draft = `${file}.new`
      try {
        await writeFile(draft, `${JSON.stringify({ ports })}\n`, { mode: 0o600 })
        await rename(draft, file)
      } catch (err) {
        await rm(draft, { force: true })
        throw err
      }
    }
  }
}
