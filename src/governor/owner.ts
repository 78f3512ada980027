/**
 * What the owner of a node does about membership: invite, approve, propose, look
 */
import { GovernanceError } from '../errors.ts'
import { encodeToken } from '../governance/token.ts'
import { actIdOf, signStatement } from '../governance/statements.ts'
import { nextVoters } from './next-voters.ts'
import { membershipStatus } from './membership-status.ts'
import type { Act, ActWish, AdmissionRequest, Decision, Invitation, MembershipStatus, NodeGovernance, OpenAct, StatementBody } from '../governance/governance-interface.ts'
import type { PeerName } from '../interface.ts'
import type { Decider } from './decider.ts'
import type { GovernorComponents, GovernorInit } from './governor-interface.ts'
import type { HeldRecords } from './held-records.ts'
import type { Invitations } from './invitations.ts'

const MAX_TOKEN_ADDRESSES = 4

export interface OwnerComponents extends Pick<GovernorComponents, 'clock' | 'signer' | 'account'> {
  held: HeldRecords
  invitations: Invitations
  decider: Decider
  /** Sequence of the newest update of this author that this node let in; 0: none */
  lastSequenceOf: (peer: PeerName) => number
}

function same (texts: readonly string[], beginning: string): string[] {
  return beginning.length < 4 ? texts.filter((text) => text === beginning) : texts.filter((text) => text.startsWith(beginning) || text.endsWith(beginning))
}

export class Owner implements NodeGovernance {
  readonly #components: OwnerComponents
  readonly #init: GovernorInit

  constructor (components: OwnerComponents, init: GovernorInit) {
    this.#components = components
    this.#init = init
  }

  status (): MembershipStatus {
    const { held, signer, decider } = this.#components
    return membershipStatus({ self: signer.peer, roster: held.roster(), present: this.#init.present(), abstains: decider.abstains }, { requests: this.requests().length, openActs: this.acts().length })
  }

  acts = (): OpenAct[] => this.#components.held.acts().map(({ endorsements: _, ...act }) => act)

  decisions = (): Decision[] => this.#components.held.decisions()

  requests (): AdmissionRequest[] {
    const { held } = this.#components
    const acts = this.acts()
    const { quorum } = held.roster().view()
    return held.requests().map(({ author, body }) => {
      const act = acts.find((open) => open.act.do === 'admit' && open.act.peer === author)
      return { peer: author, at: body.at, missing: act?.missing ?? quorum, ...(body.name === undefined ? {} : { name: body.name }), ...(act === undefined ? {} : { actId: act.actId }) }
    })
  }

  // -------------------------------------------------------------------------------------------- invitations

  async invite ({ addresses, ...wish }: Parameters<NodeGovernance['invite']>[0]): Promise<{ token: string, invitation: Invitation }> {
    const { held, invitations, signer, account } = this.#components
    this.#requireMember('invite')
    const used = held.ownGuests().length
    if (wish.approve !== true && used + (wish.uses ?? 1) > held.guestLimit()) {
      throw new GovernanceError(`this member may invite ${held.guestLimit()} guests and has ${used}: use --approve, so that the voters decide, or have the limit raised (grapevine members limit ${signer.peer} N)`, 'limit')
    }
    const announced = (addresses ?? this.#init.addresses()).slice(0, MAX_TOKEN_ADDRESSES)
    if (announced.length === 0) {
      throw new GovernanceError('this peer has no address that a guest could dial: start it with --listen, or name one with --announce', 'invalid')
    }
    const invitation = await invitations.make(wish)
    account('invitation', { made: invitation.jti, uses: invitation.uses, expiresAt: invitation.expiresAt })
    const token = await encodeToken(signer, {
      ...{ federation: this.#init.federation, inviter: signer.peer, addresses: announced },
      ...{ jti: Buffer.from(invitation.jti, 'hex'), secret: Buffer.from(invitation.secret, 'hex'), issuedAt: invitation.createdAt, expiresAt: invitation.expiresAt, approve: invitation.approve },
      ...(invitation.name === undefined ? {} : { name: invitation.name })
    })
    return { token, invitation }
  }

  invitations = (): Invitation[] => this.#components.invitations.list()

  async cancelInvitation (jti: string): Promise<void> {
    const { jti: cancelled } = await this.#components.invitations.cancel(jti)
    this.#components.account('invitation', { cancelled })
  }

  // -------------------------------------------------------------------------------------------- acts

  async approve (selector: string): Promise<OpenAct | Decision> {
    const open = this.#openAct(selector)
    if (open !== undefined) {
      return this.#endorse(open.act)
    }
    const requests = this.requests()
    const guests = this.#components.held.roster().view().members.filter(({ inviter }) => inviter !== undefined)
    const peer = this.#one(same([...requests, ...guests].map((candidate) => candidate.peer), selector), selector)
    const request = requests.find((candidate) => candidate.peer === peer)
    return this.propose({ do: 'admit', peer, ...(request?.name === undefined ? {} : { name: request.name }) })
  }

  async reject (selector: string): Promise<void> {
    this.#requireVoter()
    const open = this.#openAct(selector)
    const { epoch } = this.#components.held.roster().view()
    if (open === undefined) {
      const peer = this.#one(same(this.requests().map((request) => request.peer), selector), selector)
      const actId = actIdOf(this.#init.federation, epoch, { do: 'admit', peer })
      return this.#object(actId)
    }
    return this.#object(open.actId)
  }

  async propose (wish: ActWish): Promise<OpenAct | Decision> {
    const { held } = this.#components
    this.#requireMember('propose')
    const peer = this.#memberOrNew(wish)
    const open = this.acts().find(({ act }) => held.problemOf(act) === undefined && act.do === wish.do && act.peer === peer && (wish.do !== 'raise-limit' || (act.do === 'raise-limit' && act.guests === wish.guests)))
    return this.#endorse(open?.act ?? this.#actOf(wish, peer))
  }

  /** Of somebody who is admitted the whole id is needed: nothing tells a wrong beginning from a right one */
  #memberOrNew ({ do: what, peer }: ActWish): PeerName {
    const { members } = this.#components.held.roster().view()
    const found = same(members.map((member) => member.peer), peer)
    if (found.length === 0 && (what === 'admit' || peer.length === 52)) {
      return peer
    }
    return this.#one(found, peer)
  }

  #actOf (wish: ActWish, peer: PeerName): Act {
    const { held, lastSequenceOf } = this.#components
    switch (wish.do) {
      case 'admit':
        return { do: 'admit', peer, ...held.departureOf(peer), ...(wish.name === undefined ? {} : { name: wish.name }) }
      case 'revoke':
        return { do: 'revoke', peer, lastSequence: lastSequenceOf(peer), ...(wish.reason === undefined ? {} : { reason: wish.reason }), ...nextVoters(held, { leaving: peer, onlyIfVoter: true }) }
      case 'appoint':
        return { do: 'appoint', peer, voters: nextVoters(held, { joining: peer }).voters! }
      case 'dismiss':
        return { do: 'dismiss', peer, voters: nextVoters(held, { leaving: peer }).voters! }
      case 'raise-limit':
        return { do: 'raise-limit', peer, guests: wish.guests }
      default:
        throw new GovernanceError(`there is no act "${String((wish as { do: unknown }).do)}"`, 'invalid')
    }
  }

  async #endorse (act: Act): Promise<OpenAct | Decision> {
    const { held, account, clock } = this.#components
    const { epoch } = held.roster().view()
    const actId = actIdOf(this.#init.federation, epoch, act)
    const problem = held.problemOf(act)
    if (problem !== undefined) {
      throw new GovernanceError(problem, 'void')
    }
    await this.#say({ kind: 'endorsement', federation: this.#init.federation, epoch, act, at: clock.now() })
    account('endorsement', { actId, act })
    // where it was the last one that was missing, and no other voter is needed, it is decided now
    await this.#components.decider.written()
    const decided = held.decisions().find((decision) => decision.actId === actId)
    return decided ?? this.acts().find((open) => open.actId === actId)!
  }

  async #object (actId: string): Promise<void> {
    const { held, account, clock } = this.#components
    await this.#say({ kind: 'objection', federation: this.#init.federation, epoch: held.roster().view().epoch, actId, at: clock.now() })
    account('objection', { actId })
  }

  async #say (body: StatementBody): Promise<void> {
    const { held, signer } = this.#components
    await held.add(await signStatement(signer, body))
  }

  // -------------------------------------------------------------------------------------------- who may

  #requireMember (what: string): void {
    const { held, signer } = this.#components
    const standing = held.roster().standing(signer.peer)
    if (standing !== 'member') {
      throw new GovernanceError(`only a member may ${what}, and this peer is none (${standing})`, 'not-a-member')
    }
  }

  #requireVoter (): void {
    const { held, signer } = this.#components
    if (held.roster().member(signer.peer)?.role !== 'voter') {
      throw new GovernanceError('only a voter may object: see grapevine members', 'not-a-voter')
    }
  }

  #openAct (selector: string): OpenAct | undefined {
    const acts = this.acts()
    const ids = acts.filter(({ actId }) => selector.length >= 4 && actId.startsWith(selector.toLowerCase()))
    const found = ids.length > 0 ? ids : acts.filter(({ act }) => same([act.peer], selector).length > 0)
    if (found.length > 1) {
      throw new GovernanceError(`"${selector}" fits ${found.length} open acts: name one by its id (grapevine members acts)`, 'ambiguous')
    }
    return found[0]
  }

  #one (found: readonly string[], selector: string): string {
    const different = [...new Set(found)]
    if (different.length !== 1) {
      throw new GovernanceError(different.length === 0 ? `"${selector}" fits no request, no open act and no member: see grapevine members` : `"${selector}" fits ${different.length} peers: say more of the id`, different.length === 0 ? 'no-such-act' : 'ambiguous')
    }
    return different[0]!
  }
}
