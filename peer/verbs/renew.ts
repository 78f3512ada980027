/**
 * `grapevine renew`: a new identity for a home whose round numbers are beyond repair
 */
import { peerOfHome } from '../../src/network/host/identity.ts'
import { renewHome } from '../../src/node/renew-home.ts'
import { NoHomeError, UsageError } from '../errors.ts'
import { hasPeer, lostKey } from '../home.ts'
import { openHome } from '../home-reader.ts'
import { recordInLog } from '../record-in-log.ts'
import type { VerbContext } from '../context.ts'

export async function renew ({ home, terminal, args: [confirmed] }: VerbContext): Promise<number> {
  if (!await hasPeer(home) || await lostKey(home)) {
    throw new NoHomeError(home)
  }
  const retired = await peerOfHome(home)
  if (confirmed !== retired) {
    throw new UsageError(`this would end the identity ${retired} (${await standing(home)}) for good: others take the new one for a stranger, model, settings and ledgers stay, and no budget comes back; ` +
      `only a peer whose rounds nobody takes needs it. If that is meant, name the identity: grapevine renew ${retired}`)
  }
  const { retiredKey, peer, version } = await renewHome(home)
  await recordInLog(home, terminal, 'key', { retired: 'identity', peer: retired })
  await recordInLog(home, terminal, 'key', { made: 'identity', peer })
  terminal.event('renewed', { retired, retiredKey, peer, version: version ?? null })
  terminal.field('Peer', peer)
  terminal.field('Before', `${retired}, whose key is now ${retiredKey}: never use it again`)
  terminal.field('Model', version === undefined ? 'none yet' : `${version.slice(0, 12)}, round 0`)
  return 0
}

async function standing (home: string): Promise<string> {
  const reader = await openHome(home)
  try {
    const [latest] = await reader.versions({ limit: 1 })
    return `round ${Math.max(latest?.round ?? 0, await reader.published() ?? 0)}`
  } finally {
    await reader.close()
  }
}
