/**
 * How many files, sockets included, this process may have open, and how many connections follow from it
 */
import { readFileSync } from 'node:fs'

/**
 * What the process opens beside connections: databases, worker, data, control endpoint, listening sockets; measured 40
 */
const RESERVED_FILES = 64
const MAX_CONNECTIONS = 1_000
const MAX_PENDING = 200
const MIN_CONNECTIONS = 16
const MIN_PENDING = 8
/** Of the files for connections, the share for those that are not yet known by id */
const PENDING_SHARE = 0.2
/** Of the connections, the share of peers that are no members */
const STRANGERS_SHARE = 0.25

export interface ConnectionLimits {
  /** Connections whose other end is known, in both directions */
  connections: number
  /** ... of these, inbound ones of peers that are no members */
  strangers: number
  /** Inbound connections that still shake hands */
  pending: number
}

/** Undefined where the system does not say */
function linuxLimit (): string | undefined {
  try {
    return /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  } catch {
    // another system: its report says it
    return undefined
  }
}

function reportedLimit (): unknown {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  return userLimits?.open_files?.soft
}

/** RLIMIT_NOFILE of this process; Infinity where there is none, or none is known (Windows) */
export function openFileLimit (): number {
  const limit = Number(linuxLimit() ?? reportedLimit())
  return Number.isFinite(limit) && limit > 0 ? limit : Infinity
}

function between (min: number, value: number, max: number): number {
  return Math.max(min, Math.min(max, Math.floor(value)))
}

/** @param openFiles - As of {@link openFileLimit} */
export function connectionLimits (openFiles: number): ConnectionLimits {
  const usable = openFiles - RESERVED_FILES
  const pending = between(MIN_PENDING, usable * PENDING_SHARE, MAX_PENDING)
  const connections = between(MIN_CONNECTIONS, usable - pending, MAX_CONNECTIONS)
  return { connections, strangers: Math.floor(connections * STRANGERS_SHARE), pending }
}
