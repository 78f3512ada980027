/**
 * What becomes of somebody that stands before the door: a member, a guest with an invitation, or a stranger
 */
import { randomBytes } from 'node:crypto'
import { guestProof, inviterProof, sameProof } from '../governance/handshake.ts'
import { readRecord, signStatement } from '../governance/statements.ts'
import { MAX_CREDENTIALS } from '../governance/governance-interface.ts'
import type { AdmissionAnswer, AdmissionHello, AdmissionSession, Invitation, RefusalReason, Standing } from '../governance/governance-interface.ts'
import type { GovernorComponents, GovernorInit } from './governor-interface.ts'
import type { HeldRecords } from './held-records.ts'
import type { Invitations } from './invitations.ts'

const NONCE_BYTES = 32
const DAY_MS = 86_400_000

const REFUSALS: Record<Exclude<Standing, 'member'>, RefusalReason> = {
  unknown: 'not-a-member',
  revoked: 'revoked',
  expired: 'expired',
  departed: 'departed',
  'over-limit': 'over-limit'
}

export interface DoorkeeperComponents extends Pick<GovernorComponents, 'clock' | 'signer' | 'account'> {
  held: HeldRecords
  /** Somebody redeemed an invitation, and is a member */
  onAdmission: (admission: { peer: string, jti: string, name?: string }) => void
  invitations: Invitations
}

type Guest = Required<Pick<AdmissionHello, 'federation' | 'nonce' | 'invitation'>> & { peer: string, hasRequest: boolean }

export class Doorkeeper {
  readonly #components: DoorkeeperComponents
  readonly #init: Pick<GovernorInit, 'federation' | 'document' | 'settings'>
  /** One redemption after another: two at a time would take one number */
  #redeeming: Promise<unknown> = Promise.resolve()

  constructor (components: DoorkeeperComponents, init: Pick<GovernorInit, 'federation' | 'document' | 'settings'>) {
    this.#components = components
    this.#init = init
  }

  begin (hello: AdmissionHello): AdmissionSession | AdmissionAnswer {
    const { held, invitations } = this.#components
    const { peer, federation, invitation, nonce } = hello
    if (federation !== undefined && federation !== this.#init.federation) {
      return { status: 'refused', reason: 'wrong-federation' }
    }
    const request = this.#takeOwn(hello)
    const hasRequest = request === 'filed'
    const standing = held.roster().standing(peer)
    if (standing === 'member') {
      return this.#admit(peer)
    }
    if (standing === 'revoked' || standing === 'departed') {
      // no certificate would change that
      return hasRequest && standing === 'departed' ? { status: 'waiting' } : { status: 'refused', reason: REFUSALS[standing] }
    }
    if (invitation === undefined || federation === undefined) {
      return this.#unasked(standing, request)
    }
    const usable = invitations.usable(invitation, peer)
    return typeof usable === 'string' ? { status: 'refused', reason: usable } : this.#challenge(usable, { peer, federation, nonce, invitation, hasRequest })
  }

  /** Nobody invited it, or not here: it waits for people where it asked them */
  #unasked (standing: Exclude<Standing, 'member'>, request: 'none' | 'filed' | 'full'): AdmissionAnswer {
    if (request === 'filed') {
      return { status: 'waiting' }
    }
    return { status: 'refused', reason: request === 'full' && standing === 'unknown' ? 'requests-full' : REFUSALS[standing] }
  }

  /** What a stranger says of itself: its certificates and what they stand on, and its request, no other's */
  #takeOwn ({ peer, records }: AdmissionHello): 'none' | 'filed' | 'full' {
    let filed: 'none' | 'filed' | 'full' = 'none'
    for (const bytes of records.slice(0, MAX_CREDENTIALS)) {
      const record = readRecord(bytes)
      const isRequest = record?.type === 'statement' && record.body.kind === 'request'
      if (record === undefined || (isRequest && record.author !== peer)) {
        continue
      }
      const verdict = this.#components.held.takeRecord(record, peer)
      if (isRequest) {
        filed = verdict === 'news' || verdict === 'known' ? 'filed' : 'full'
      }
    }
    return filed
  }

  #admit (peer: string): AdmissionAnswer {
    return { status: 'admitted', records: this.#components.held.welcome(peer), document: this.#init.document }
  }

  #challenge (invitation: Invitation, guest: Guest): AdmissionSession {
    const secret = Buffer.from(invitation.secret, 'hex')
    const nonce = randomBytes(NONCE_BYTES)
    const { signer } = this.#components
    const transcript = { guest: guest.peer, inviter: signer.peer, guestNonce: guest.nonce, inviterNonce: nonce, federation: guest.federation, jti: guest.invitation }
    return {
      challenge: { nonce, proof: inviterProof(secret, transcript) },
      prove: async (proof) => {
        if (!sameProof(proof, guestProof(secret, transcript))) {
          return { status: 'refused', reason: 'wrong-proof' }
        }
        const redeemed = this.#redeeming.then(async () => this.#redeem(guest))
        this.#redeeming = redeemed.catch(() => {})
        // a full disk: nothing was promised, and the guest may come again
        return redeemed.catch((): AdmissionAnswer => ({ status: 'refused', reason: 'busy' }))
      }
    }
  }

  async #redeem (guest: Guest): Promise<AdmissionAnswer> {
    const { held, invitations, account, signer } = this.#components
    if (held.roster().standing(signer.peer) !== 'member') {
      return { status: 'refused', reason: 'inviter-not-member' }
    }
    // others may have used it up since the challenge
    const invitation = invitations.usable(guest.invitation, guest.peer)
    if (typeof invitation === 'string') {
      return { status: 'refused', reason: invitation }
    }
    if (invitation.approve) {
      if (!guest.hasRequest) {
        return { status: 'refused', reason: 'malformed' }
      }
      await invitations.redeem(invitation.jti, guest.peer, 0)
      return { status: 'waiting' }
    }
    // a number that an earlier copy of this home gave to somebody else lets neither in
    const isDoubled = held.roster().standing(guest.peer) === 'over-limit'
    const number = (isDoubled ? undefined : invitations.numberOf(guest.peer)) ?? this.#nextNumber()
    if (number > held.guestLimit()) {
      return { status: 'refused', reason: 'guest-limit' }
    }
    await invitations.redeem(invitation.jti, guest.peer, number)
    await this.certify(guest.peer, number, invitation.name)
    const standing = held.roster().standing(guest.peer)
    if (standing !== 'member') {
      // this node is too far from the voters, or none of them any more: its word lets nobody in
      return { status: 'refused', reason: standing === 'unknown' ? 'inviter-not-member' : REFUSALS[standing] }
    }
    account('admission', { peer: guest.peer, number, invitation: invitation.jti })
    this.#components.onAdmission({ peer: guest.peer, jti: invitation.jti, ...(invitation.name === undefined ? {} : { name: invitation.name }) })
    return this.#admit(guest.peer)
  }

  /** Above every number that was given before, by this home or by an earlier copy of it */
  #nextNumber (): number {
    const { held, invitations } = this.#components
    return 1 + Math.max(0, ...invitations.numbers(), ...held.ownGuests().map(({ number }) => number))
  }

  /** Signs a certificate, for the first time or to renew it. Durable, and on its way to the others, when it resolves */
  async certify (peer: string, number: number, name?: string): Promise<void> {
    const { clock, held, signer } = this.#components
    const issuedAt = clock.now()
    const certificate = await signStatement(signer, {
      kind: 'certificate',
      federation: this.#init.federation,
      ...{ peer, number, issuedAt, expiresAt: issuedAt + this.#init.settings.certificateDays * DAY_MS },
      ...(name === undefined ? {} : { name })
    })
    await held.add(certificate)
  }
}
