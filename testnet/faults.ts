/**
 * Who is an attacker, who is killed, who starts again: decided before the first process runs
 */
import type { Attackers, Fault } from './interface.ts'
import type { PeerRecord } from './peer-record.ts'

/**
 * The attack of every peer, by index. Attackers are the last peers, so that peer 1, through which the others join, is
 * honest. Throws RangeError when no honest peer would be left
 */
export function assignAttacks (peers: number, byzantine: readonly Attackers[]): Array<string | undefined> {
  const attacks = byzantine.flatMap(({ count, attack }) => Array.from({ length: count }, () => attack))
  if (attacks.length >= peers) {
    throw new RangeError(`${attacks.length} attackers among ${peers} peers leave no honest one`)
  }
  return [...Array.from({ length: peers - attacks.length }, () => undefined), ...attacks]
}

/** The kills and restarts that are still to come */
export class FaultPlan {
  private readonly victims = new Map<PeerRecord, number>()
  private readonly restarts: Fault[]

  /**
   * Victims are honest peers from peer 2 on. Throws RangeError when there are too few, when a restart would find
   * nobody to start, or when a round never comes
   */
  constructor (records: readonly PeerRecord[], faults: { kill: readonly Fault[], restart: readonly Fault[], rounds: number }) {
    const never = [...faults.kill, ...faults.restart].find(({ round }) => round > faults.rounds)
    if (never !== undefined) {
      throw new RangeError(`${never.count}@${never.round}: nothing can happen in round ${never.round} of a testnet of ${faults.rounds}`)
    }
    const candidates = records.filter((record) => record.byzantine === undefined && record.index > 0)
    const killed = sum(faults.kill)
    if (killed > candidates.length) {
      throw new RangeError(`${killed} peers to kill, but only ${candidates.length} can be: peer 1 and attackers are spared`)
    }
    for (const { count, round } of inOrder(faults.kill)) {
      for (const record of candidates.splice(0, count)) {
        this.victims.set(record, round)
      }
    }
    this.restarts = inOrder(faults.restart)
    for (const restart of this.restarts) {
      const before = sum(faults.kill.filter((kill) => kill.round < restart.round))
      if (before < sum(this.restarts.filter((other) => other.round <= restart.round))) {
        throw new RangeError(`restart ${restart.count}@${restart.round}: only ${before} peers are killed before round ${restart.round}`)
      }
    }
  }

  /** True once, when this peer works on the round in which it is to die */
  dies (record: PeerRecord, round: number): boolean {
    const planned = this.victims.get(record)
    if (planned === undefined || round < planned) {
      return false
    }
    this.victims.delete(record)
    return true
  }

  /** How many killed peers start again now that the others begin this round. Once for each planned restart */
  restartsAt (round: number): number {
    const due = this.restarts.filter((restart) => restart.round <= round)
    this.restarts.splice(0, due.length)
    return sum(due)
  }
}

function sum (faults: readonly Fault[]): number {
  return faults.reduce((total, fault) => total + fault.count, 0)
}

function inOrder (faults: readonly Fault[]): Fault[] {
  return [...faults].sort((a, b) => a.round - b.round)
}
