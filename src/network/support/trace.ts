/**
 * Diagnostics of one part of a node, for operators: nothing is written unless `DEBUG=grapevine:*:trace` asks for it
 *
 * One switch for all parts and for libp2p. Written to standard error as each thing begins and ends, so that the last
 * lines of a process that died tell what it was about.
 */
import { logger } from '@libp2p/logger'
import type { Trace } from '../../interface.ts'

/** `part`: what follows `grapevine:` in the name to ask for */
export function createTrace (part: string): Trace {
  const log = logger(`grapevine:${part}`)
  return (format, ...values) => { log.trace(format, ...values) }
}
