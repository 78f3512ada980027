/**
 * What people want that is not decided: the acts of this epoch, and who signed that they want them
 */
import { isVoter, voidReason } from '../governance/roster.ts'
import { actIdOf } from '../governance/statements.ts'
import { quorum } from '../consensus/quorum.ts'
import type { EndorsementBody, ObjectionBody, OpenAct, Statement } from '../governance/governance-interface.ts'
import type { GovernanceState } from '../governance/roster.ts'

/** With the endorsements of voters that a decision on it would carry */
export interface TalliedAct extends OpenAct {
  endorsements: Array<Statement<EndorsementBody>>
}

function isEndorsement (statement: Statement): statement is Statement<EndorsementBody> {
  return statement.body.kind === 'endorsement'
}

function isObjection (statement: Statement): statement is Statement<ObjectionBody> {
  return statement.body.kind === 'objection'
}

/** Applicable ones, oldest first; equal times in the order of their ids */
export function openActs (state: GovernanceState, statements: readonly Statement[]): TalliedAct[] {
  const { federation, epoch, voters } = state
  const current = statements.filter(isEndorsement).filter(({ body }) => body.epoch === epoch)
  const byAct = new Map<string, Array<Statement<EndorsementBody>>>()
  for (const statement of current) {
    const actId = actIdOf(federation, epoch, statement.body.act)
    byAct.set(actId, [...byAct.get(actId) ?? [], statement])
  }
  const objections = statements.filter(isObjection).filter(({ body }) => body.epoch === epoch)
  const acts = [...byAct].map(([actId, all]): TalliedAct => {
    const endorsements = all.filter(({ author }) => isVoter(state, author)).sort((a, b) => a.author < b.author ? -1 : 1)
    return {
      ...{ actId, act: all[0]!.body.act, epoch, endorsements },
      endorsedBy: endorsements.map(({ author }) => author),
      objectedBy: objections.filter(({ author, body }) => body.actId === actId && isVoter(state, author)).map(({ author }) => author).sort(),
      proposedBy: all.filter(({ author }) => !isVoter(state, author)).map(({ author }) => author).sort(),
      missing: Math.max(0, quorum(voters.length) - endorsements.length),
      since: Math.min(...all.map(({ body }) => body.at))
    }
  })
  return acts.filter(({ act }) => voidReason(state, act) === undefined).sort((a, b) => a.since - b.since || (a.actId < b.actId ? -1 : 1))
}
