/**
 * The invitations that this node made: what a token's secret is, who used it, and how often it still may
 *
 * Only the inviter redeems a token, so that two halves of a split mesh cannot both let somebody in on it. Who redeemed
 * it, and with which number, is on disk before the certificate is signed: two guests of one number prove a lie.
 */
import { randomBytes } from 'node:crypto'
import { GovernanceError } from '../errors.ts'
import type { Invitation, RefusalReason } from '../governance/governance-interface.ts'
import type { Clock, PeerName, Store } from '../interface.ts'

const PREFIX = 'invitation/'
const JTI_BYTES = 16
const SECRET_BYTES = 32
/** Made and neither expired nor cancelled: each costs a row, and somebody must be able to read the list */
const MAX_OPEN = 1_000
const MAX_USES = 1_000
const MAX_LIFE_MS = 365 * 86_400_000
const MIN_LIFE_MS = 60_000
/** An invitation that is over is shown for this long */
const KEPT_MS = 30 * 86_400_000

export interface InvitationWish {
  name?: string | undefined
  uses?: number | undefined
  lifeMs?: number | undefined
  approve?: boolean | undefined
}

export interface InvitationsComponents {
  clock: Pick<Clock, 'now'>
  store: Pick<Store, 'putGovernance'>
}

const DEFAULT_LIFE_MS = 7 * 86_400_000

function encode (invitation: Invitation): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(invitation))
}

function requireWhole (what: string, value: number, { least, most }: { least: number, most: number }): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new GovernanceError(`${what} must be a whole number from ${least} to ${most}, not ${value}`, 'invalid')
  }
}

export class Invitations {
  readonly #components: InvitationsComponents
  readonly #invitations = new Map<string, Invitation>()

  constructor (components: InvitationsComponents) {
    this.#components = components
  }

  /** Takes up what earlier runs kept. Throws SyntaxError for a damaged row */
  load (entries: ReadonlyMap<string, Uint8Array>): void {
    for (const [key, bytes] of entries) {
      if (key.startsWith(PREFIX)) {
        const invitation = JSON.parse(new TextDecoder().decode(bytes)) as Invitation
        this.#invitations.set(invitation.jti, invitation)
      }
    }
  }

  /** The newest first; those that are long over are left out */
  list (): Invitation[] {
    const now = this.#components.clock.now()
    return [...this.#invitations.values()].filter(({ expiresAt }) => expiresAt + KEPT_MS > now)
      .sort((a, b) => b.createdAt - a.createdAt).map((invitation) => ({ ...invitation, guests: [...invitation.guests] }))
  }

  /** Durable before it resolves. Throws GovernanceError */
  async make ({ name, uses = 1, lifeMs = DEFAULT_LIFE_MS, approve = false }: InvitationWish): Promise<Invitation> {
    requireWhole('the number of uses', uses, { least: 1, most: MAX_USES })
    requireWhole('the life of an invitation in ms', lifeMs, { least: MIN_LIFE_MS, most: MAX_LIFE_MS })
    const createdAt = this.#components.clock.now()
    if ([...this.#invitations.values()].filter((other) => isOpen(other, createdAt)).length >= MAX_OPEN) {
      throw new GovernanceError(`${MAX_OPEN} invitations are open already: cancel some (grapevine invite cancel)`, 'limit')
    }
    const invitation: Invitation = {
      jti: randomBytes(JTI_BYTES).toString('hex'),
      secret: randomBytes(SECRET_BYTES).toString('hex'),
      ...(name === undefined ? {} : { name }),
      ...{ uses, createdAt, expiresAt: createdAt + lifeMs, approve, guests: [] }
    }
    await this.#put(invitation)
    return invitation
  }

  /** Idempotent. Throws GovernanceError where there is none, or more than one that begins so */
  async cancel (beginning: string): Promise<Invitation> {
    const found = [...this.#invitations.values()].filter(({ jti }) => beginning !== '' && jti.startsWith(beginning.toLowerCase()))
    if (found.length !== 1) {
      throw new GovernanceError(found.length === 0 ? `no invitation begins with "${beginning}": see grapevine invite ls` : `${found.length} invitations begin with "${beginning}": say more of it`, found.length === 0 ? 'no-such-act' : 'ambiguous')
    }
    const cancelled = { ...found[0]!, cancelled: true }
    await this.#put(cancelled)
    return cancelled
  }

  /** The invitation that this peer may redeem now, or why it may not. One that it used before it may use again */
  usable (jti: Uint8Array, peer: PeerName): Invitation | RefusalReason {
    const invitation = this.#invitations.get(Buffer.from(jti).toString('hex'))
    if (invitation === undefined || invitation.cancelled === true) {
      return 'unknown-invitation'
    }
    if (invitation.guests.some((guest) => guest.peer === peer)) {
      return invitation
    }
    if (invitation.expiresAt <= this.#components.clock.now()) {
      return 'invitation-expired'
    }
    return invitation.guests.length < invitation.uses ? invitation : 'invitation-used'
  }

  /**
   * Notes who redeemed it, and with which number of a certificate (0: it waits for a decision). Durable before it
   * resolves; the place is taken at once, so that two at a time do not share the last use
   */
  async redeem (jti: string, peer: PeerName, number: number): Promise<void> {
    const invitation = this.#invitations.get(jti)!
    const guests = [...invitation.guests.filter((guest) => guest.peer !== peer), { peer, number }]
    await this.#put({ ...invitation, guests })
  }

  /** Numbers of certificates that were given to guests, also of those whose certificate never went out */
  numbers (): number[] {
    return [...this.#invitations.values()].flatMap(({ guests }) => guests.map(({ number }) => number))
  }

  /** The number that this guest has; undefined: none yet */
  numberOf (peer: PeerName): number | undefined {
    return [...this.#invitations.values()].flatMap(({ guests }) => guests).find((guest) => guest.peer === peer && guest.number > 0)?.number
  }

  async #put (invitation: Invitation): Promise<void> {
    const before = this.#invitations.get(invitation.jti)
    this.#invitations.set(invitation.jti, invitation)
    try {
      await this.#components.store.putGovernance(new Map([[`${PREFIX}${invitation.jti}`, encode(invitation)]]))
    } catch (err) {
      before === undefined ? this.#invitations.delete(invitation.jti) : this.#invitations.set(invitation.jti, before)
      throw err
    }
  }
}

function isOpen ({ expiresAt, cancelled, uses, guests }: Invitation, now: number): boolean {
  return cancelled !== true && expiresAt > now && guests.length < uses
}
