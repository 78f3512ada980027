/**
 * What each author has published so far: rounds and sequences only grow, a round has one update, and each update of a
 * stream follows on the one before
 */
import { contradict, proofOf } from './equivocation.ts'
import { MAX_OWN_ROUND } from '../../number-limits.ts'
import type { PeerName } from '../../interface.ts'
import type { EquivocationProof } from './equivocation.ts'
import type { SignedHeader } from './update-header.ts'

/**
 * `late`: not seen before, and a newer one came first, as happens to whoever begins to follow an author. `replay`:
 * older than that, or than anybody needs. `round-window`: far ahead of everybody else. None of these convicts the
 * author: others choose what they send again, and when
 */
export type Verdict = Order | 'duplicate' | 'equivocation'

type Order = 'new' | 'late' | 'replay' | 'round-window'

/** Updates this much older than the own round are of no use to anyone, and proofs about them convict nobody any more */
export const OLDEST_ROUNDS_BEHIND = 1_000
/** Nobody is this far ahead of everyone else; a newcomer, who knows nobody, believes the first author it meets */
const MOST_ROUNDS_AHEAD = 10_000
const HEADERS_PER_AUTHOR = 8
/** A peer may pass an update on some seconds after it came, and quick rounds take a tenth of one */
const LATE_ROUNDS = 50
const MAX_AUTHORS = 4_096
const MAX_PROOFS = 64

type Place = Pick<SignedHeader['header'], 'round' | 'sequence' | 'stream'>

interface AuthorState {
  /** The newest header */
  newest: SignedHeader
  /** By round; the newest few */
  headers: Map<number, SignedHeader>
}

export class AuthorLog {
  private readonly authors = new Map<PeerName, AuthorState>()
  /** The newest last, one for each author */
  private readonly proofs = new Map<PeerName, EquivocationProof>()
  private ownRound = 1
  private oldestRoundsBehind = OLDEST_ROUNDS_BEHIND

  setRound (round: number): void {
    this.ownRound = round
  }

  /**
   * From now on no round is too old: an observer's own ones say nothing about those who train, for it counts on when
   * nobody does
   */
  observe (): void {
    this.oldestRoundsBehind = Infinity
  }

  /** The newest verified header */
  newest (author: PeerName): SignedHeader | undefined {
    return this.authors.get(author)?.newest
  }

  /** True when this very header was recorded before */
  has (signed: SignedHeader): boolean {
    return this.authors.get(signed.author)?.headers.get(signed.header.round)?.id === signed.id
  }

  /** The newest first */
  equivocations (): EquivocationProof[] {
    return [...this.proofs.values()].reverse()
  }

  /** What proves that this author signed two updates that contradict each other */
  equivocation (author: PeerName): EquivocationProof | undefined {
    return this.proofs.get(author)
  }

  /** Keeps a proof that somebody else found, verified by the caller */
  keep (proof: EquivocationProof): void {
    if (this.proofs.has(proof.author)) {
      return
    }
    this.proofs.set(proof.author, proof)
    if (this.proofs.size > MAX_PROOFS) {
      this.proofs.delete(this.proofs.keys().next().value!)
    }
  }

  /** Judges a header whose signature is verified. Remembers proofs of equivocation, and nothing else */
  judge (signed: SignedHeader): Verdict {
    const known = this.authors.get(signed.author)?.headers ?? new Map<number, SignedHeader>()
    if (known.get(signed.header.round)?.id === signed.id) {
      return 'duplicate'
    }
    const other = [...known.values()].find((header) => contradict(header, signed))
    return other === undefined ? this.order(signed) : this.keepProof(other, signed)
  }

  /**
   * What can be said of a header before its signature is checked; undefined when that matters: it may be news, or prove
   * an equivocation
   */
  isOutOfOrder (signed: SignedHeader): Exclude<Order, 'new'> | undefined {
    const known = this.authors.get(signed.author)?.headers ?? new Map<number, SignedHeader>()
    if ([...known.values()].some((header) => contradict(header, signed))) {
      return undefined
    }
    const order = this.order(signed)
    return order === 'new' ? undefined : order
  }

  private order ({ author, header }: SignedHeader): Order {
    const state = this.authors.get(author)
    if (header.round < this.ownRound - this.oldestRoundsBehind) {
      return 'replay'
    }
    if (header.round > this.latestPlausible(author)) {
      return 'round-window'
    }
    return state === undefined ? 'new' : inOrder(header, state.newest.header)
  }

  /** Call for a header that was judged new */
  record (signed: SignedHeader): void {
    const { author, header } = signed
    const state = this.authors.get(author) ?? { newest: signed, headers: new Map<number, SignedHeader>() }
    state.newest = signed
    state.headers.set(header.round, signed)
    if (state.headers.size > HEADERS_PER_AUTHOR) {
      state.headers.delete(state.headers.keys().next().value!)
    }
    this.authors.delete(author)
    this.authors.set(author, state)
    if (this.authors.size > MAX_AUTHORS) {
      this.authors.delete(this.authors.keys().next().value!)
    }
  }

  private keepProof (first: SignedHeader, second: SignedHeader): 'equivocation' {
    this.keep(proofOf(first, second))
    return 'equivocation'
  }

  /** One liar cannot move the window: it is set by the median of the other authors, or by the own round */
  private latestPlausible (author: PeerName): number {
    const others = [...this.authors].filter(([name]) => name !== author).map(([, { newest }]) => newest.header.round).sort((a, b) => a - b)
    const median = others[others.length >> 1]
    if (median === undefined && this.ownRound <= 1) {
      return MAX_OWN_ROUND
    }
    return Math.max(this.ownRound, median ?? 0) + MOST_ROUNDS_AHEAD
  }
}

/**
 * Beside the newest header of its author. Rounds and sequences grow together, and a stream ends where the next one
 * begins: else it is no matter of being late
 */
function inOrder (place: Place, newest: Place): Extract<Verdict, 'new' | 'late' | 'replay'> {
  const { round, sequence, stream } = place
  if (round > newest.round && sequence > newest.sequence) {
    return stream === newest.stream || stream > newest.sequence ? 'new' : 'replay'
  }
  return round < newest.round && sequence < newest.sequence && newest.round - round <= LATE_ROUNDS ? 'late' : 'replay'
}
