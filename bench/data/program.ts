/**
 * The peer's program as a user runs it: a child process, its JSON lines
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { readLines } from '../../testnet/json-lines.ts'

const PROGRAM = resolve(import.meta.dirname, '../../peer/main.js')
const LIMIT_MS = 600_000

export interface Line {
  type: string
  [field: string]: unknown
}

/** A program that runs, and what it has said so far */
export interface Running {
  lines: Line[]
  /** The first line of a type, said already or said later. Rejects when the program ends without it */
  line: (type: string) => Promise<Line>
  /** Its lines, once it has ended. Rejects when it failed */
  ended: Promise<Line[]>
  kill: () => void
}

export function run (args: readonly string[]): Running {
  const child = spawn(process.execPath, [PROGRAM, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS, killSignal: 'SIGKILL' })
  const lines: Line[] = []
  const told: string[] = []
  const waiting = new Map<string, (line: Line) => void>()
  readLines(child.stdout, (text) => {
    const line = JSON.parse(text) as Line
    lines.push(line)
    waiting.get(line.type)?.(line)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { told.push(text) })
  const ended = (async () => {
    const [code] = await once(child, 'close') as [number | null]
    if (code !== 0) {
      throw new Error(`grapevine ${args.join(' ')} ended with ${code}: ${told.join('').trim() || JSON.stringify(lines.at(-1))}`)
    }
    return lines
  })()
  ended.catch(() => {})
  return {
    lines,
    ended,
    line: async (type) => {
      const said = lines.find((line) => line.type === type)
      const later = new Promise<Line>((resolve) => { waiting.set(type, resolve) })
      return said ?? Promise.race([later, ended.then((): never => { throw new Error(`grapevine ${args[0]} ended without "${type}"`) })])
    },
    kill: () => { child.kill('SIGKILL') }
  }
}

/** The last line of a verb that answers and ends */
export async function answer (args: readonly string[]): Promise<Line> {
  return (await run(args).ended).at(-1)!
}
