/**
 * A few voters with real keys
 */
import { createHash } from 'node:crypto'
import { signaturePrefix, signBallot } from '../../src/consensus/ballot.ts'
import type { Ballot, SlotName, UnsignedBallot } from '../../src/consensus/ballot.ts'
import { Agreement } from '../../src/consensus/simplex.ts'
import type { AgreementOptions } from '../../src/consensus/simplex.ts'
import { ed25519, generateVotingKey } from '../../src/consensus/voting-key.ts'

export const SLOT: SlotName = { federation: 'ab'.repeat(32), epoch: 3, slot: 12 }

/** An act's id, as good as any */
export function valueOf (name: string): string {
  return createHash('sha256').update(name).digest('hex')
}

export class Voters {
  readonly keys
  readonly prefix
  private readonly slot: SlotName

  constructor (count: number, slot: SlotName = SLOT) {
    this.slot = slot
    this.keys = Array.from({ length: count }, generateVotingKey)
    this.prefix = signaturePrefix(slot)
  }

  get voters (): Array<{ votingKey: string }> {
    return this.keys.map(({ votingKey }) => ({ votingKey }))
  }

  sign (ballot: UnsignedBallot): Ballot {
    return signBallot(this.prefix, ballot, ed25519.signer(this.keys[ballot.voter]!.privateKey))
  }

  agreement (index: number | undefined, options: Partial<AgreementOptions> = {}): Agreement {
    return new Agreement({
      ...this.slot,
      voters: this.voters,
      isAdmissible: () => true,
      ...index === undefined ? {} : { self: { index, privateKey: this.keys[index]!.privateKey } },
      ...options
    })
  }
}
