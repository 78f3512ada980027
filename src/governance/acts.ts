/**
 * What a decision does, as it is written; and its id, which is the same whoever wants it
 */
import { encode } from '@ipld/dag-cbor'
import { ascending, counter, federationField, hash32, integer, listOf, literal, oneOf, peerField, personName, reasonField, shape } from './fields.ts'
import { hashOf, toHex } from './peer-key.ts'
import type { Field } from './fields.ts'
import type { Act, Voter } from './governance-interface.ts'

const ACT_DOMAIN = new TextEncoder().encode('grapevine/act/2\n')

/** As many as a document may name */
export const MAX_VOTERS = 64
/** More guests of one member are refused, whatever the voters decide */
export const MAX_GUESTS = 4_096

type ActOf<Do extends Act['do']> = Extract<Act, { do: Do }>

const voterField: Field<Voter> = shape<Voter>({ peer: peerField, votingKey: hash32 })
/** One order, so that two voters who want the same endorse the same act */
const votersField = ascending(listOf(voterField, 1, MAX_VOTERS), ({ peer }) => peer)

const appoint = shape<ActOf<'appoint'>>({ do: literal('appoint'), peer: peerField, voters: votersField })
const dismiss = shape<ActOf<'dismiss'>>({ do: literal('dismiss'), peer: peerField, voters: votersField })
const admit = shape<ActOf<'admit'>>({ do: literal('admit'), peer: peerField, name: personName, departure: counter }, ['name', 'departure'])
const revoke = shape<ActOf<'revoke'>>({ do: literal('revoke'), peer: peerField, lastSequence: integer(0, Number.MAX_SAFE_INTEGER), reason: reasonField }, ['reason'])
const raiseLimit = shape<ActOf<'raise-limit'>>({ do: literal('raise-limit'), peer: peerField, guests: integer(1, MAX_GUESTS) })

export const actField: Field<Act> = oneOf<Act, 'do'>('do', new Map<unknown, Field<Act>>([
  ['admit', admit as Field<Act>], ['revoke', revoke as Field<Act>], ['appoint', appoint as Field<Act>], ['dismiss', dismiss as Field<Act>],
  ['raise-limit', raiseLimit as Field<Act>]
]))

/** Voters in the one order in which acts name them */
export function sortedVoters (voters: readonly Voter[]): Voter[] {
  return voters.map(({ peer, votingKey }) => ({ peer, votingKey })).sort((a, b) => a.peer < b.peer ? -1 : 1)
}

/** sha-256 of (federation, epoch, act), hex. Throws RangeError for what is no act */
export function actIdOf (federation: string, epoch: number, act: Act): string {
  return toHex(hashOf(ACT_DOMAIN, encode([federationField.write(federation), epoch, actField.write(act)])))
}
