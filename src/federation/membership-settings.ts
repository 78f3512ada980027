/**
 * The document's word on who may take part, and who decides
 */
import { z } from 'zod'

/** An Ed25519 peer id as text: base58btc of an identity multihash */
const PEER = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/
const VOTING_KEY = /^[0-9a-f]{64}$/

export const voterSchema = z.strictObject({
  /** Peer id */
  peer: z.string().regex(PEER, 'must be the id of a peer, such as 12D3KooW…'),
  /** Raw Ed25519 public key, in hex: signs ballots of epoch 0 */
  votingKey: z.string().regex(VOTING_KEY, 'must be an Ed25519 public key of 64 hex digits')
})

export const membershipSchema = z.strictObject({
  admission: z.literal('invited'),
  /** Of epoch 0; members without a certificate */
  voters: z.array(voterSchema).min(1).max(64),
  /** How many guests a member may invite */
  guestsPerMember: z.int().min(0).max(1_000),
  /** How long a certificate holds */
  certificateDays: z.int().min(1).max(3_650)
})

export type MembershipSettings = z.output<typeof membershipSchema>

/** What is wrong between fields that each are right; undefined: nothing */
export function membershipProblem ({ voters }: MembershipSettings): string | undefined {
  for (const field of ['peer', 'votingKey'] as const) {
    const values = voters.map((voter) => voter[field])
    const twice = values.find((value, index) => values.indexOf(value) !== index)
    if (twice !== undefined) {
      return `membership.voters: the ${field} ${twice} stands there twice`
    }
  }
  return undefined
}
