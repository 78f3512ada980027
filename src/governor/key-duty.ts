/**
 * The voting keys of this home: one is made and named ahead of each epoch in which it may vote, and deleted after it
 *
 * A key that is deleted when its epoch is over cannot be made to vote for another past, whoever gets hold of the home.
 */
import type { StatementBody } from '../governance/governance-interface.ts'
import type { GovernorComponents } from './governor-interface.ts'
import type { HeldRecords } from './held-records.ts'

/** In a federation of more members only voters name a key: others would be asked for too much */
const MOST_MEMBERS_WITH_KEYS = 128

export interface KeyDutyComponents extends Pick<GovernorComponents, 'signer' | 'votingKeys' | 'account'> {
  held: Pick<HeldRecords, 'roster' | 'hasNamedKey' | 'flush'>
  /** Signs a statement and tells everybody */
  say: (body: StatementBody) => Promise<void>
}

export class KeyDuty {
  readonly #components: KeyDutyComponents
  readonly #federation: string
  #cleanedBefore = -1

  constructor (components: KeyDutyComponents, { federation }: { federation: string }) {
    this.#components = components
    this.#federation = federation
  }

  /** Makes and deletes what is due; true when a key was made or deleted */
  async perform (): Promise<boolean> {
    const deleted = await this.#clean()
    return await this.#announce() || deleted
  }

  async #announce (): Promise<boolean> {
    const { held, signer: { peer }, votingKeys, account, say } = this.#components
    const { epoch, voters, members } = held.roster().view()
    const isVoter = voters.some((voter) => voter.peer === peer)
    if ((!isVoter && members.length > MOST_MEMBERS_WITH_KEYS) || held.hasNamedKey(peer, epoch + 1)) {
      return false
    }
    const votingKey = await votingKeys.create(epoch + 1)
    await say({ kind: 'voting-key', federation: this.#federation, epoch: epoch + 1, votingKey })
    account('key', { made: 'voting-key', epoch: epoch + 1 })
    return true
  }

  /** Only once the decision that began the epoch is on disk: else a crash would leave a voter of the old one without */
  async #clean (): Promise<boolean> {
    const { held, votingKeys, account } = this.#components
    const { epoch, voters } = held.roster().view()
    if (epoch === this.#cleanedBefore) {
      return false
    }
    await held.flush()
    const deleted = await votingKeys.deleteBefore(epoch, new Set(voters.map(({ votingKey }) => votingKey)))
    this.#cleanedBefore = epoch
    deleted.forEach((old) => { account('key', { deleted: 'voting-key', epoch: old }) })
    return deleted.length > 0
  }
}
