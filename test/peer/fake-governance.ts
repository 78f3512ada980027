/**
 * Governance that does as it is told and remembers what it was asked: for what stands between it and an operator
 */
import type { GovernanceError } from '../../src/errors.ts'
import type { Act, ActWish, AdmissionRequest, Decision, EndorsementBody, Invitation, MembershipStatus, NodeGovernance, OpenAct, Statement } from '../../src/governance/governance-interface.ts'

/** Ids that look like those of peers, and differ in their last letters */
export function peerName (end: string): string {
  return `12D3KooW${'x'.repeat(44 - end.length)}${end}`
}

export const SELF = peerName('Self1')
export const GUEST = peerName('Guest')
export const STRANGER = peerName('Stran')

export function openAct (act: Act, more: Partial<OpenAct> = {}): OpenAct {
  return { actId: 'ab'.repeat(32), act, epoch: 0, endorsedBy: [], objectedBy: [], proposedBy: [], missing: 5, since: 1_700_000_000_000, ...more }
}

export function decision (slot: number, act: Act, signers: readonly string[]): Decision {
  const endorsements = signers.map((author): Statement<EndorsementBody> => ({ type: 'statement', id: '00', author, body: { kind: 'endorsement', federation: 'bafy', epoch: 0, act, at: 0 }, bytes: new Uint8Array(1) }))
  return { type: 'decision', id: '11'.repeat(32), epoch: 0, slot, act, actId: '22'.repeat(32), endorsements, certificate: new Uint8Array(1), bytes: new Uint8Array(1) }
}

export class FakeGovernance implements NodeGovernance {
  readonly asked: unknown[] = []
  made: Invitation[] = []
  waiting: AdmissionRequest[] = []
  open: OpenAct[] = []
  decided: Decision[] = []
  /** What the next approval or proposal comes to; undefined: an open act that misses approvals */
  outcome: OpenAct | Decision | undefined
  failure: GovernanceError | undefined
  state: MembershipStatus = {
    self: SELF,
    standing: 'member',
    role: 'voter',
    epoch: 0,
    slot: 0,
    voters: [{ peer: SELF, votingKey: 'a'.repeat(64) }],
    toleratedLiars: 0,
    quorum: 1,
    members: [{ peer: SELF, role: 'voter' }, { peer: GUEST, role: 'member', name: 'clinic-b', inviter: SELF, expiresAt: 4_000_000_000_000 }],
    revoked: [],
    reachableVoters: 1,
    requests: 0,
    openActs: 0
  }

  status = (): MembershipStatus => this.state
  requests = (): AdmissionRequest[] => this.waiting
  acts = (): OpenAct[] => this.open
  decisions = (): Decision[] => this.decided
  invitations = (): Invitation[] => this.made

  async invite (options: Parameters<NodeGovernance['invite']>[0]): Promise<{ token: string, invitation: Invitation }> {
    this.#ask('invite', options)
    const { name, uses = 1, lifeMs = 604_800_000, approve = false } = options
    const invitation: Invitation = { jti: '3f'.repeat(16), secret: '5e'.repeat(32), uses, createdAt: Date.now(), expiresAt: Date.now() + lifeMs, approve, guests: [], ...(name === undefined ? {} : { name }) }
    this.made.push(invitation)
    return { token: `gv1_${'aB3-_x9'.repeat(60)}`, invitation }
  }

  async cancelInvitation (jti: string): Promise<void> {
    this.#ask('cancel', jti)
    this.made = this.made.map((invitation) => invitation.jti === jti ? { ...invitation, cancelled: true } : invitation)
  }

  async approve (selector: string): Promise<OpenAct | Decision> {
    this.#ask('approve', selector)
    return this.outcome ?? openAct({ do: 'admit', peer: selector }, { endorsedBy: [SELF], missing: 4 })
  }

  async reject (selector: string): Promise<void> {
    this.#ask('reject', selector)
  }

  async propose (wish: ActWish): Promise<OpenAct | Decision> {
    this.#ask('propose', wish)
    return this.outcome ?? openAct({ do: 'admit', peer: wish.peer }, { endorsedBy: [SELF], missing: 4 })
  }

  #ask (what: string, detail: unknown): void {
    if (this.failure !== undefined) {
      throw this.failure
    }
    this.asked.push([what, detail])
  }
}
