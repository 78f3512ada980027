/**
 * A gate in front of all streams and of the router: whom it is not open for gets nothing from this node, and nothing of
 * it is read
 *
 * Handlers are wrapped where they are registered, and the router where it takes a peer up. libp2p's own middleware is
 * no way: what stands behind it is added to the middleware for each stream, and runs again for all later ones.
 */
import '../../promise-with-resolvers.ts'
import { PullError } from '../../errors.ts'
import type { Connection, Libp2p, PeerId, Stream, StreamHandler } from '@libp2p/interface'
import type { PeerName } from '../../interface.ts'
import type { Pubsub } from './internals.ts'

export interface PeerGate {
  /** Asked for every stream and message: cheap */
  isOpen: (peer: PeerName) => boolean
  /** Waits, for a few seconds at most, until it is known whether the peer may pass; false also where too many wait */
  opens: (peer: PeerName) => Promise<boolean>
  /** Calls back as soon as it is open for a connected peer; a later call takes the place of an earlier one */
  whenOpen: (peer: PeerName, take: () => void) => void
  /** Not worth a dial for now: it has no right to be here, or says so of this node */
  holdsBack: (peer: PeerName) => boolean
  /** Calls back whenever it may be open for others than before; call the result to end that */
  onChange: (listener: () => void) => () => void
}

/** What registers handlers, of libp2p's components */
interface Registrar {
  handle: Libp2p['handle']
}

/** A stream that comes before it is known who the peer is waits, unread; one of a stranger is reset */
export function guarded (gate: PeerGate, handler: StreamHandler): StreamHandler {
  return (stream, connection) => {
    const peer = connection.remotePeer.toString()
    if (gate.isOpen(peer)) {
      return handler(stream, connection)
    }
    stream.pause()
    gate.opens(peer).then(async (isOpen) => {
      if (!isOpen) {
        throw new PullError(`${peer} is no member here`)
      }
      if (stream.status === 'open') {
        stream.resume()
        await handler(stream, connection)
      }
    }).catch((err: unknown) => {
      stream.abort(err instanceof Error ? err : new PullError(String(err)))
    })
  }
}

/** The same registrar, behind whose handlers only those get for whom the gate is open */
export function gatedRegistrar<T extends Registrar> (gate: PeerGate, registrar: T): T {
  return Object.create(registrar, {
    handle: { value: async (...[protocol, handler, options]: Parameters<T['handle']>) => registrar.handle(protocol, guarded(gate, handler), options) }
  }) as T
}

/** The router takes up whom the gate is open for, and opens streams to nobody else. To be called before it starts */
export function gateRouter (gate: PeerGate, router: Pick<Pubsub, 'onPeerConnected' | 'createOutboundStream'>): void {
  const takeUp = router.onPeerConnected.bind(router)
  const open = router.createOutboundStream.bind(router)
  router.onPeerConnected = (peer: PeerId, connection: Connection) => {
    if (gate.isOpen(peer.toString())) {
      takeUp(peer, connection)
    } else {
      gate.whenOpen(peer.toString(), () => { takeUp(peer, connection) })
    }
  }
  router.createOutboundStream = async (peer, connection) => {
    if (gate.isOpen(peer.toString())) {
      await open(peer, connection)
    }
  }
}

/** Opens a stream once the gate is open for its peer. Rejects with PullError where it is not, and as libp2p does */
export async function openThrough (gate: PeerGate | undefined, connection: Connection, protocol: string, options: { signal: AbortSignal, maxOutboundStreams?: number }): Promise<Stream> {
  if (gate !== undefined) {
    await requireOpen(gate, connection.remotePeer.toString(), options.signal)
  }
  return connection.newStream(protocol, options)
}

async function requireOpen (gate: PeerGate, peer: PeerName, signal: AbortSignal): Promise<void> {
  if (gate.isOpen(peer)) {
    return
  }
  const { promise: aborted, resolve } = Promise.withResolvers<false>()
  const abort = (): void => { resolve(false) }
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (signal.aborted || !await Promise.race([gate.opens(peer), aborted])) {
      throw new PullError(`${peer} is no member here`)
    }
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
