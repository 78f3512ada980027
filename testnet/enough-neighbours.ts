/**
 * Whether every peer of a testnet will have as many neighbours as its rule needs: with fewer it would wait for ever
 *
 * Liars count, because they publish. What follows from what peers do, as a budget that ends or an attack that gets its
 * author banned, is the testnet's to show.
 */
import { minimumNeighbours, ruleChain } from '../src/aggregators/rules.ts'
import type { Fault } from './interface.ts'
import type { TestnetSettings } from './testnet-settings.ts'

type Wishes = Pick<TestnetSettings, 'document' | 'peers' | 'rounds' | 'kill' | 'restart'>

/**
 * Neighbours that the graph gives each of so many peers at least: where ends are odd in number one peer is left with
 * one less
 */
function fewestNeighbours (peers: number, degree: number): number {
  const most = Math.min(degree, peers - 1)
  return (peers * most) % 2 === 0 ? most : most - 1
}

function sum (faults: readonly Fault[], before: number): number {
  return faults.reduce((total, { count, round }) => round < before ? total + count : total, 0)
}

/** Throws RangeError when peers would wait for ever, from the start or after a kill; the message says what helps */
export function requireEnoughNeighbours ({ document, peers, rounds, kill, restart }: Wishes): void {
  const { aggregation: { rule, f }, topology: { degree } } = document
  const needed = minimumNeighbours(ruleChain(rule), f)
  const isEnough = (alive: number): boolean => fewestNeighbours(alive, degree) >= needed
  const what = `${rule}${rule === 'mean' ? '' : ` with f = ${f}`} needs ${needed === 1 ? '1 neighbour' : `${needed} neighbours`} beside each peer`
  const remedies = (alive: number): string => {
    const missing = Array.from({ length: needed + 2 }, (_, more) => more).find((more) => isEnough(alive + more)) ?? needed
    return [
      ...missing === 0 ? [] : [`--peers ${peers + missing}`],
      ...alive > degree + 1 ? [`--degree ${degree + 1}`] : [],
      ...needed > 1 && alive > 1 ? ['--rule mean'] : []
    ].join(' or ')
  }
  if (!isEnough(peers)) {
    const each = peers > degree + 1 ? `${peers} peers of degree ${degree} leave one with ${fewestNeighbours(peers, degree)}` : `among ${peers === 1 ? '1 peer' : `${peers} peers`} each has ${peers - 1}`
    throw new RangeError(`${what}, and ${each}: no round would begin there; take ${remedies(peers)}`)
  }
  for (const { count, round } of kill) {
    const alive = peers - sum(kill, round + 1) + sum(restart, round + 1)
    if (round < rounds && alive > 0 && !isEnough(alive)) {
      throw new RangeError(`${what}, and ${count}@${round} leaves ${alive === 1 ? '1 peer' : `${alive} peers`}, who would wait for ever; take ${remedies(alive)}, or fewer kills`)
    }
  }
}
