/**
 * What every attack of `npm run verify:attacks` is: strangers that reach honest peers over TCP, and nothing else
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createHost } from '../../src/network/host/host.ts'
import type { Host } from '../../src/network/host/host.ts'

export interface Target {
  /** Id of the federation document */
  federation: string
  /** A full multiaddr of each honest peer */
  addresses: readonly string[]
}

export interface Attack {
  name: string
  /** Begins, and returns how to end it */
  start: (target: Target) => Promise<() => Promise<void>>
}

export async function stranger (addresses: readonly string[]): Promise<Host> {
  const host = await createHost({ privateKey: await generateKeyPair('Ed25519'), listen: [], isBanned: () => false })
  await host.start()
  await Promise.allSettled(addresses.map(async (address) => host.libp2p.dial(multiaddr(address))))
  return host
}

/** Calls `act` again and again, never twice at a time, until the result is called */
export function repeat (act: () => Promise<void>, everyMs: number): () => void {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const next = (): void => {
    // whatever fails, an attacker tries again
    act().catch(() => {}).finally(() => {
      if (!isOver) {
        timer = setTimeout(next, everyMs)
      }
    })
  }
  next()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
