/**
 * Why an address does not lead to a federation, in words for people
 */
import '../../promise-with-resolvers.ts'
import { connect } from 'node:net'
import { BootstrapError } from '../../errors.ts'
import { peerOf } from './address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const TCP_TIMEOUT_MS = 3_000

export type Reason = BootstrapError['reason']

const ADVICE: Record<Reason, string> = {
  refused: 'nothing listens there (connection refused); is the peer running, and is the port right?',
  timeout: 'no answer in time; is the machine on, and does a firewall let the port through?',
  'not-libp2p': 'something answers there that is not a Grapevine peer; is the port right?',
  'wrong-peer': 'another peer answers there; take the address that the peer prints when it starts',
  self: 'it is the own address; give the address of another peer',
  'not-grapevine': 'the peer there belongs to no Grapevine federation',
  'older-protocol': 'the peer there speaks an older protocol than this program; update the peer there',
  'newer-protocol': 'the peer there speaks a newer protocol than this program; update this program',
  unreachable: 'the address cannot be reached from this machine; check the network and the name'
}

/** @param detail - What was seen, as the machine says it; may be empty */
export function bootstrapError (address: string, reason: Reason, detail: string, cause?: unknown): BootstrapError {
  return new BootstrapError(`cannot join through ${address}: ${ADVICE[reason]}${detail === '' ? '' : ` [${detail}]`}`, reason, { cause })
}

/** An error with everything that caused it or is part of it */
function * withCauses (err: unknown, depth = 0): Generator<NodeJS.ErrnoException> {
  if (!(err instanceof Error) || depth > 8) {
    return
  }
  yield err
  yield * withCauses(err.cause, depth + 1)
  for (const part of err instanceof AggregateError ? err.errors as unknown[] : []) {
    yield * withCauses(part, depth + 1)
  }
}

function reasonOfCode (code: string | undefined): Reason {
  switch (code) {
    case 'ECONNREFUSED': return 'refused'
    case 'ETIMEDOUT': return 'timeout'
    default: return 'unreachable'
  }
}

/** Connects once without libp2p: undefined when something accepts, else why not */
async function tcpFailure (address: Multiaddr, signal: AbortSignal): Promise<{ reason: Reason, code: string } | undefined> {
  const [host, transport] = address.getComponents()
  const socket = connect({ host: host?.value ?? '', port: Number(transport?.value) })
  try {
    return await new Promise((resolve) => {
      signal.addEventListener('abort', () => { resolve({ reason: 'timeout', code: 'ETIMEDOUT' }) }, { once: true })
      socket.setTimeout(TCP_TIMEOUT_MS, () => { resolve({ reason: 'timeout', code: 'ETIMEDOUT' }) })
      socket.once('connect', () => { resolve(undefined) })
      socket.once('error', ({ code }: NodeJS.ErrnoException) => { resolve({ reason: reasonOfCode(code), code: code ?? '' }) })
    })
  } finally {
    socket.destroy()
  }
}

/** Connects once more, without libp2p, to tell a closed port from a stranger's. Never rejects */
export async function explainDialFailure (address: Multiaddr, err: unknown, signal: AbortSignal): Promise<BootstrapError> {
  const text = address.toString()
  const chain = [...withCauses(err)]
  const expected = peerOf(address)
  if (chain.some(({ name, message }) => name === 'UnexpectedPeerError' || /does not match|unexpected peer/i.test(message)) && expected !== undefined) {
    return bootstrapError(text, 'wrong-peer', '', err)
  }
  if (chain.some(({ message }) => /dial self|self.dial/i.test(message))) {
    return bootstrapError(text, 'self', '', err)
  }
  const failure = await tcpFailure(address, signal)
  if (failure !== undefined) {
    return bootstrapError(text, failure.reason, failure.code, err)
  }
  return bootstrapError(text, 'not-libp2p', '', err)
}
