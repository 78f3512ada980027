/**
 * What Linux says of running processes: /proc of a process that is gone says nothing
 */
import { readFileSync, readdirSync } from 'node:fs'

/** Clock ticks in a second, on every Linux that Node runs on */
const TICKS = 100
const KIBIBYTE = 1_024

function read (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // it ended meanwhile
    return ''
  }
}

/** Fields of /proc/PID/stat from the state on: what is before may hold blanks */
function stat (pid: number): string[] {
  return read(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ')
}

/** Ids of the processes that `pid` started, and that those started */
export function descendants (pid: number): number[] {
  const parents = new Map(readdirSync('/proc').map(Number).filter(Number.isInteger).map((child) => [child, Number(stat(child)[1])]))
  const found = [pid]
  for (const parent of found) {
    found.push(...[...parents].filter(([, of]) => of === parent).map(([child]) => child))
  }
  return found.slice(1)
}

/** User and system time so far; 0 of one that is gone */
export function processorSeconds (pid: number): number {
  const [user, system] = stat(pid).slice(11, 13).map(Number)
  return ((user ?? 0) + (system ?? 0)) / TICKS
}

function memory (pid: number, name: 'VmHWM' | 'VmRSS'): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * KIBIBYTE
}

/** The most memory that it ever had in RAM; 0 of one that is gone */
export function residentPeakBytes (pid: number): number {
  return memory(pid, 'VmHWM')
}

/** The memory that it has in RAM now; 0 of one that is gone */
export function residentBytes (pid: number): number {
  return memory(pid, 'VmRSS')
}
