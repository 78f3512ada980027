/**
 * Mistakes that an agreement of this kind is easily made with, each as it would be made
 */
import { encodeBallot, readBallot, signaturePrefix, signBallot } from '../../src/consensus/ballot.ts'
import type { UnsignedBallot } from '../../src/consensus/ballot.ts'
import { Agreement } from '../../src/consensus/simplex.ts'
import type { AgreementOptions, Effects } from '../../src/consensus/simplex.ts'
import type { Signatures } from '../../src/consensus/voting-key.ts'
import { standInSignatures } from './stand-in-signatures.ts'
import type { Planted } from './world.ts'
import { SLOT } from './world.ts'

/** Votes for each proposal that it sees, and signs a finalize although it asked to skip */
class DoubleVoter extends Agreement {
  readonly #options: AgreementOptions

  constructor (options: AgreementOptions) {
    super(options)
    this.#options = options
  }

  override receive (bytes: Uint8Array, nowMs: number): Effects {
    const effects = super.receive(bytes, nowMs)
    const { self, isAdmissible, signatures } = this.#options
    const proposal = readBallot(bytes)
    if (self !== undefined && proposal?.kind === 'propose' && proposal.iteration === this.iteration && effects.verdict !== 'invalid' && isAdmissible(proposal.value)) {
      const vote: UnsignedBallot = { ...proposal, kind: 'vote', voter: self.index }
      effects.send.push(encodeBallot(signBallot(signaturePrefix(SLOT), vote, signatures!.signer(self.privateKey))))
    }
    return effects
  }

  protected override maySign (ballot: UnsignedBallot): boolean {
    return ballot.kind === 'finalize' || super.maySign(ballot)
  }
}

class SmallQuorum extends Agreement {
  protected override get quorum (): number {
    return Math.max(1, super.quorum - 1)
  }
}

/** Votes for whatever a leader proposes */
class NoLock extends Agreement {
  protected override mayFollow (): boolean {
    return true
  }
}

/** Looks at all of a ballot but its epoch */
const EPOCH_AT = 'grapevine/ballot/2\n'.length
function withoutEpoch (message: Uint8Array): Uint8Array {
  return Uint8Array.from(message).fill(0, EPOCH_AT, EPOCH_AT + 8)
}

const anyEpoch: Signatures = {
  signer: (privateKey) => {
    const sign = standInSignatures.signer(privateKey)
    return (message) => sign(withoutEpoch(message))
  },
  verifier: (votingKey) => {
    const verify = standInSignatures.verifier(votingKey)
    return (message, signature) => verify(withoutEpoch(message), signature)
  }
}

export const PLANTED: Readonly<Record<string, Planted>> = {
  'a vote is lost in a crash': { hasNoDisk: true },
  'a voter votes twice': { Agreement: DoubleVoter },
  'a vote of the epoch before counts': { signatures: anyEpoch },
  'one voter less decides': { Agreement: SmallQuorum },
  'a leader may drop what was notarized': { Agreement: NoLock }
}
