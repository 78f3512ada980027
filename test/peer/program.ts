/**
 * Runs the built program once, as a user would
 */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'

export const PROGRAM = resolve(import.meta.dirname, '../../dist/peer/main.js')

export interface Outcome {
  exit: number | null
  stdout: string
  stderr: string
}

/** Settings of the person who runs the tests are not meant for the programs in them */
export function cleanEnvironment (extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(GRAPEVINE_|NO_COLOR|FORCE_COLOR|NODE_OPTIONS|VITEST)/.test(name))), ...extra }
}

export async function run (args: readonly string[], options: { env?: Record<string, string>, nodeArgs?: readonly string[], cwd?: string, program?: string } = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...options.nodeArgs ?? [], options.program ?? PROGRAM, ...args], { env: cleanEnvironment(options.env), timeout: 60_000, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) }, (error, stdout, stderr) => {
      const code = (error as { code?: unknown } | null)?.code
      resolve({ exit: error === null ? 0 : typeof code === 'number' ? code : null, stdout, stderr })
    })
  })
}
