/**
 * Membership of a running node: made where its document asks for it, and tied to network, store and audit log
 */
import { Governor } from '../governor/governor.ts'
import { keepAccount } from './kept-account.ts'
import type { Clock, Network, Store } from '../interface.ts'
import type { Membership } from './enter-federation.ts'
import type { Emit } from './forwarded-events.ts'
import type { NetworkPartInit, NodeParts } from './node-parts.ts'

export interface NodeGovernanceComponents {
  parts: Pick<NodeParts, 'votingKeys' | 'auditLog' | 'logger'>
  home: string
  identity: NetworkPartInit['identity']
  store: Store
  clock: Clock
  emit: Emit
  /** Undefined before it is made */
  network: () => Network | undefined
}

/** It has ended when all that it did is written down */
class AccountableGovernor extends Governor {
  readonly #close: () => Promise<void>

  constructor (close: () => Promise<void>, ...own: ConstructorParameters<typeof Governor>) {
    super(...own)
    this.#close = close
  }

  override async stop (): Promise<void> {
    await super.stop()
    await this.#close()
  }
}

/** The governor of an invited federation, loaded; undefined in an open one. Throws what the store throws */
export async function createGovernor (components: NodeGovernanceComponents, { id, bytes, document, records, how }: Membership): Promise<Governor | undefined> {
  if (document.membership === undefined) {
    return undefined
  }
  const { parts, home, identity, store, clock, emit, network } = components
  const { account, joined, close } = keepAccount(parts.auditLog(home, clock), (message) => { emit('warning', { code: 'audit-log', message }) })
  if (how !== 'resumed') {
    joined(id, how)
  }
  const signer = { peer: identity.publicKey.toString(), sign: async (message: Uint8Array) => identity.sign(message) }
  const governor = new AccountableGovernor(close, { clock, store, signer, votingKeys: parts.votingKeys(home), account, trace: parts.logger('governance') }, {
    federation: id,
    document: bytes,
    settings: document.membership,
    addresses: () => network()?.addresses() ?? [],
    present: () => network()?.members() ?? []
  })
  governor.addEventListener('request', ({ detail }) => { emit('governance:request', detail) })
  governor.addEventListener('admission', ({ detail }) => { emit('governance:admission', detail) })
  governor.addEventListener('act', ({ detail }) => { emit('governance:act', detail) })
  governor.addEventListener('decision', ({ detail }) => { emit('governance:decision', detail) })
  governor.addEventListener('standing', ({ detail }) => { emit('governance:standing', detail) })
  governor.addEventListener('warning', ({ detail }) => { emit('warning', detail) })
  await governor.load(records)
  return governor
}

/** From now on the network's news reaches it, and it does what is due by itself */
export function startGovernor (governor: Governor | undefined, network: Pick<Network, 'addEventListener'>): void {
  if (governor !== undefined) {
    network.addEventListener('update', ({ detail: { author, sequence } }) => { governor.noteUpdate(author, sequence) })
    governor.start()
  }
}
