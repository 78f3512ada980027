/**
 * From what people type or copy of an id to the one that is meant
 *
 * All peer ids begin alike, so that their ends tell more: the beginning, the end, and the short form of both count.
 */
import { UsageError } from './errors.ts'
import { shortId } from './format.ts'

const COMMON_BEGINNING = '12D3KooW'
const PEER = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/
/** Fewer characters name nobody for sure */
const MIN_CHARACTERS = 4
const MAX_SHOWN = 5

export function isPeerId (text: string): boolean {
  return PEER.test(text)
}

export interface Candidate {
  /** A peer id, or the id of an act or an invitation in hex */
  id: string
  /** Beside it in a message */
  label?: string
}

/** All that the text may mean, each once */
export function fitting<C extends Candidate> (selector: string, candidates: readonly C[]): C[] {
  const distinct = [...new Map(candidates.map((candidate) => [candidate.id, candidate])).values()]
  const exact = distinct.filter(({ id }) => id === selector)
  if (exact.length > 0) {
    return exact
  }
  const [head, tail, more] = selector.split('…')
  if (tail !== undefined && more === undefined) {
    return tail.length < MIN_CHARACTERS ? [] : distinct.filter(({ id }) => id.startsWith(head!) && id.endsWith(tail))
  }
  if (selector.length < MIN_CHARACTERS) {
    return []
  }
  return distinct.filter(({ id }) => (id.startsWith(selector) && selector.length > COMMON_BEGINNING.length) || id.endsWith(selector) ||
    id.startsWith(`${COMMON_BEGINNING}${selector}`) || (!id.startsWith(COMMON_BEGINNING) && id.startsWith(selector)))
}

/**
 * The one that is meant; undefined when none fits
 *
 * Throws UsageError when several do
 *
 * @param what - Such as `peer`
 */
export function selected<C extends Candidate> (selector: string, candidates: readonly C[], what: string): C | undefined {
  const found = fitting(selector, candidates)
  if (found.length > 1) {
    const shown = found.slice(0, MAX_SHOWN).map(({ id, label }) => label === undefined ? shortId(id) : `${shortId(id)} (${label})`)
    throw new UsageError(`"${selector}" fits ${found.length} ${what}s: ${shown.join(', ')}${found.length > MAX_SHOWN ? ', …' : ''}; give more of the id`)
  }
  return found[0]
}
