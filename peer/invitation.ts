/**
 * What `join` is given: an invitation, wherever its token is, or the address of a peer
 */
import { readFile, stat } from 'node:fs/promises'
import { UsageError } from './errors.ts'
import type { InvitationToken } from '../src/governance/governance-interface.ts'
import type { Terminal } from './terminal.ts'

const PREFIX = 'gv1_'
/** A token has some hundred characters; a file larger than this holds none */
const MAX_TOKEN_BYTES = 16_384
/** What multiaddrs begin with that a peer may have */
const ADDRESS = /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr|p2p|tcp)\//

export interface GivenInvitation {
  /** As it was written */
  text: string
  token: InvitationToken
}

/**
 * The text of a token; undefined: the argument is to be an address
 *
 * Throws UsageError for what holds no token, and the file system's errors
 */
export async function tokenText (argument: string, { terminal, stdin = process.stdin }: { terminal: Pick<Terminal, 'warn' | 'note'>, stdin?: NodeJS.ReadStream }): Promise<string | undefined> {
  if (argument.startsWith(PREFIX)) {
    terminal.warn('others on this machine can read a token in the list of processes: give it in a file, or with - on standard input')
    return argument
  }
  if (argument === '-') {
    if (stdin.isTTY) {
      terminal.note('Paste the token, then Enter:')
    }
    return requireToken(await firstLine(stdin), 'standard input')
  }
  return !ADDRESS.test(argument) && await isFile(argument) ? requireToken(await beginning(argument), argument) : undefined
}

/**
 * Checks everything that can be checked before a peer is asked: checksum, signature, expiry, clock, federation
 *
 * Throws InvitationError
 */
export async function checkedInvitation (text: string, { home, federationId, nowMs }: { home: string, federationId: string | undefined, nowMs: number }): Promise<GivenInvitation> {
  const { decodeToken } = await import('../src/governance/token.ts')
  const { InvitationError } = await import('../src/errors.ts')
  const { loadIdentity } = await import('../src/network/host/identity.ts')
  const token = decodeToken(text, nowMs)
  if (federationId !== undefined && federationId !== token.federation) {
    throw new InvitationError(`the invitation is to federation ${token.federation}, and ${home} is for ${federationId}, by --federation-id or its settings: use another home for it (--home)`, 'wrong-federation')
  }
  if ((await loadIdentity(home))?.publicKey.toString() === token.inviter) {
    throw new InvitationError('this peer made the invitation itself: it is for another machine, or for another home here (--home)', 'own')
  }
  return { text, token }
}

function requireToken (text: string, where: string): string {
  const token = text.trim()
  if (!token.startsWith(PREFIX)) {
    throw new UsageError(`${where} holds no token: one begins with ${PREFIX}, as grapevine invite prints it`)
  }
  return token
}

async function isFile (path: string): Promise<boolean> {
  return stat(path).then((found) => !found.isDirectory(), () => false)
}

async function beginning (path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > MAX_TOKEN_BYTES) {
    throw new UsageError(`${path} has ${size} bytes: it holds no token`)
  }
  return readFile(path, 'utf8')
}

/** The first line that holds anything; what follows is left to others */
async function firstLine (stdin: NodeJS.ReadStream): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    const done = (): void => {
      stdin.off('data', take).off('end', done).off('error', reject).pause()
      resolve(/\S[^\n]*/.exec(text)?.[0] ?? '')
    }
    const take = (piece: Buffer): void => {
      text += piece.toString('utf8')
      if (/\S[^\n]*\n/.test(text) || text.length > MAX_TOKEN_BYTES) {
        done()
      }
    }
    stdin.on('data', take).on('end', done).on('error', reject)
  })
}
