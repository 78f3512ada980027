/**
 * What all places of one schedule share: who votes, what may be chosen, and what was signed by whom
 */
import { encodeBallot, readBallot, signaturePrefix, signBallot } from '../../src/consensus/ballot.ts'
import type { SlotName, UnsignedBallot } from '../../src/consensus/ballot.ts'
import { quorum } from '../../src/consensus/quorum.ts'
import { Agreement } from '../../src/consensus/simplex.ts'
import type { AgreementOptions } from '../../src/consensus/simplex.ts'
import type { Sign, Signatures } from '../../src/consensus/voting-key.ts'
import { standInPrivateKey, standInSignatures, standInVotingKey } from './stand-in-signatures.ts'

/** What is built in place of the real thing, to see whether the simulation finds it */
export interface Planted {
  Agreement?: new (options: AgreementOptions) => Agreement
  signatures?: Signatures
  /** Nothing survives a crash */
  hasNoDisk?: boolean
}

/** Any two of the first ones may be chosen; the last one never */
export const VALUES: readonly string[] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64))
export const FORBIDDEN = VALUES.at(-1)!

export const SLOT: SlotName = { federation: 'f', epoch: 2, slot: 5 }
const OLD_SLOT: SlotName = { ...SLOT, epoch: 1 }

export class World {
  readonly voters: Array<{ votingKey: string }>
  readonly liars: ReadonlySet<number>
  readonly planted: Planted
  readonly signatures: Signatures
  readonly #signers: Sign[]
  readonly #prefixes = [signaturePrefix(SLOT), signaturePrefix(OLD_SLOT)]
  /** Honest voters that signed a finalize, by iteration and value */
  readonly #finalized = new Map<string, Set<number>>()

  constructor (voters: number, liars: ReadonlySet<number>, planted: Planted) {
    this.voters = Array.from({ length: voters }, (_, i) => ({ votingKey: standInVotingKey(i) }))
    this.liars = liars
    this.planted = planted
    this.signatures = planted.signatures ?? standInSignatures
    this.#signers = Array.from({ length: voters }, (_, i) => this.signatures.signer(standInPrivateKey(i)))
  }

  /** A liar's ballot. `isOld`: of the epoch before, which honest voters voted in, too */
  sign (ballot: UnsignedBallot, isOld = false): Uint8Array {
    return encodeBallot(signBallot(this.#prefixes[isOld ? 1 : 0]!, ballot, this.#signers[ballot.voter]!))
  }

  agreement (voter: number | undefined, options: { isAdmissible: (value: string) => boolean, deltaMs: number, earlier: readonly Uint8Array[] }): Agreement {
    const self = voter === undefined ? {} : { self: { index: voter, privateKey: standInPrivateKey(voter) } }
    return new (this.planted.Agreement ?? Agreement)({ ...SLOT, voters: this.voters, signatures: this.signatures, ...self, ...options })
  }

  /** An honest voter sent this */
  note (bytes: Uint8Array): void {
    const ballot = bytes[0] === 4 ? readBallot(bytes) : undefined
    if (ballot !== undefined) {
      const key = `${ballot.iteration}/${ballot.value}`
      this.#finalized.set(key, (this.#finalized.get(key) ?? new Set()).add(ballot.voter))
    }
  }

  /** What would stand if all liars signed a finalize for everything, too: whether or not somebody put it together */
  standing (): Set<string> {
    const needed = quorum(this.voters.length)
    const made = [...this.#finalized].filter(([, voters]) => new Set([...voters, ...this.liars]).size >= needed)
    return new Set(made.map(([key]) => key.split('/')[1]!))
  }
}
