/** Peers with keys, and what they sign, for the tests of governance */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { peerName } from '../../src/governance/peer-key.ts'
import { makeDecision, signStatement } from '../../src/governance/statements.ts'
import type { Act, CertificateBody, Decision, EndorsementBody, MembershipSettings, Statement, StatementBody, Voter } from '../../src/governance/governance-interface.ts'
import type { Signer } from '../../src/governance/peer-key.ts'
import type { GovernanceState, VerifyCertificate } from '../../src/governance/roster.ts'

export const FEDERATION = 'bafyreiexample'
export const DAY_MS = 86_400_000
/** 2026-12-01 */
export const NOW = 1_796_083_200_000

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The same key for the same number, always */
export function person (number: number): Signer {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(number, 28)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicBytes = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { peer: peerName(new Uint8Array(publicBytes)), sign: (message) => new Uint8Array(sign(null, message, key)) }
}

export function people (count: number, from = 0): Signer[] {
  return Array.from({ length: count }, (_, index) => person(from + index))
}

/** Some key of 32 bytes for each number */
export function votingKeyOf (number: number): string {
  return number.toString(16).padStart(64, '0')
}

export function votersOf (signers: readonly Signer[], keysFrom = 1): Voter[] {
  return signers.map(({ peer }, index) => ({ peer, votingKey: votingKeyOf(keysFrom + index) }))
}

export function settingsOf (voters: readonly Signer[], settings: Partial<MembershipSettings> = {}): MembershipSettings {
  return { admission: 'invited', voters: votersOf(voters), guestsPerMember: 8, certificateDays: 30, ...settings }
}

export async function certify (inviter: Signer, guest: Signer, number: number, fields: Partial<CertificateBody> = {}): Promise<Statement<CertificateBody>> {
  return signStatement(inviter, { kind: 'certificate', federation: FEDERATION, peer: guest.peer, number, issuedAt: NOW, expiresAt: NOW + 30 * DAY_MS, ...fields })
}

export async function endorse (voter: Signer, act: Act, epoch = 0, at = NOW): Promise<Statement<EndorsementBody>> {
  return signStatement(voter, { kind: 'endorsement', federation: FEDERATION, epoch, act, at })
}

export async function depart (member: Signer, slot = 0, at = NOW): Promise<Statement<StatementBody>> {
  return signStatement(member, { kind: 'departure', federation: FEDERATION, at, slot })
}

/** Stands for the proof of consensus/: its bytes are the id of the act */
export const anyCertificate: VerifyCertificate = (certificate, { value }) => Buffer.compare(certificate, value) === 0

export function certificateFor (actId: string): Uint8Array {
  return new Uint8Array(Buffer.from(actId, 'hex'))
}

/** Decided by these voters, as the next one after `state` */
export async function decide (state: Pick<GovernanceState, 'epoch' | 'slot'>, act: Act, voters: readonly Signer[]): Promise<Decision> {
  const endorsements = await Promise.all(voters.map(async (voter) => endorse(voter, act, state.epoch)))
  const { actId } = makeDecision({ federation: FEDERATION, ...state, act, endorsements, certificate: Uint8Array.of(0) })
  return makeDecision({ federation: FEDERATION, epoch: state.epoch, slot: state.slot, act, endorsements, certificate: certificateFor(actId) })
}
