/**
 * What gossip did not bring: the newest updates of neighbours that were missed while a link was down or not yet up
 *
 * Gossip delivers a message once, to those who are there. So the newest update is asked for when a neighbour becomes
 * live, and again whenever one has been silent for a while: a question and a short "nothing newer".
 */
import '../../promise-with-resolvers.ts'
import { lastingController } from '../../lasting-controller.ts'
import type { Logger } from '@libp2p/interface'
import type { Gatekeeper } from '../../governance/governance-interface.ts'
import type { Refused } from '../../blame.ts'
import type { AbortOptions, Clock, EarlierLife, PeerName } from '../../interface.ts'
import type { AuthorLog } from '../signed/author-log.ts'
import type { Host } from '../host/host.ts'
import type { Neighbourhood } from '../members/neighbourhood-interface.ts'
import type { UpdateCache } from './update-cache.ts'
import type { PulledUpdate, UpdatePuller } from './update-pull.ts'

/** Silence of a live neighbour after which it is asked */
const SILENCE_MS = 5_000
const CHECK_INTERVAL_MS = 1_000
/** Authors that one call asks for at most, and peers that are asked for an author who is not connected */
const MAX_AUTHORS = 64
const MAX_SOURCES = 3
/** Peers that are asked what they hold of this node */
const MAX_OWN_SOURCES = 8

export interface CatchUpComponents {
  host: Host
  puller: UpdatePuller
  cache: UpdateCache
  log: AuthorLog
  clock: Clock
  logger: Logger
  neighbourhood: Pick<Neighbourhood, 'neighbours' | 'elders' | 'heard' | 'isConnected'>
  isBanned: (peer: PeerName) => boolean
  /** May an update of this author with this sequence be mixed? @default any */
  gatekeeper?: Pick<Gatekeeper, 'acceptsUpdate'> | undefined
  refuse: (refusal: Refused) => void
  /** A newer update than gossip brought */
  deliver: (update: PulledUpdate) => void
}

export class CatchUp {
  private readonly components: CatchUpComponents
  private readonly stopping = lastingController()
  private readonly askedAtMs = new Map<PeerName, number>()
  private readonly asking = new Set<PeerName>()
  private live: readonly PeerName[] = []
  private timer: NodeJS.Timeout | undefined

  constructor (components: CatchUpComponents) {
    this.components = components
  }

  start (): void {
    this.timer = setInterval(() => { this.askSilent() }, CHECK_INTERVAL_MS)
  }

  stop (): void {
    clearInterval(this.timer)
    this.stopping.abort()
  }

  /** Call with the live neighbours whenever they change: the new ones are asked at once */
  onNeighbours (live: readonly PeerName[]): void {
    const fresh = live.filter((peer) => !this.live.includes(peer))
    this.live = live
    fresh.forEach((peer) => { this.ask(peer) })
    for (const peer of [...this.askedAtMs.keys()].filter((known) => !live.includes(known))) {
      this.askedAtMs.delete(peer)
    }
  }

  /** Call when an update of this author arrived by itself */
  heard (author: PeerName): void {
    if (this.askedAtMs.has(author)) {
      this.askedAtMs.set(author, this.components.clock.monotonicMs())
    }
  }

  /** The newest update of every neighbour, elder and connected peer, as far as they can be had before the signal */
  async latest (options: AbortOptions): Promise<PulledUpdate[]> {
    const { host, isBanned, neighbourhood, logger } = this.components
    const connected = host.libp2p.getPeers().map(String)
    // others may still hold updates of a banned author
    const authors = [...new Set([...neighbourhood.neighbours(), ...neighbourhood.elders(), ...connected])].filter((author) => !isBanned(author)).slice(0, MAX_AUTHORS)
    const aborted = rejection(options.signal)
    const found = await Promise.all(authors.map(async (author) => {
      try {
        // a transfer that somebody else began goes on beyond this signal
        return await Promise.race([this.latestOf(author, connected, options), aborted])
      } catch (err) {
        logger('the newest update of %s could not be had - %e', author, err)
        return this.cached(author)
      }
    }))
    return found.filter((update) => update !== undefined)
  }

  /**
   * What a few connected peers know of this node's updates after `afterSequence`: neighbours first, for others have not
   * followed them
   */
  async newestOwn (afterSequence: number, options: AbortOptions): Promise<EarlierLife> {
    const { host, puller, logger, neighbourhood } = this.components
    const connected = host.libp2p.getPeers().map(String)
    const sources = [...new Set([...neighbourhood.neighbours().filter((peer) => connected.includes(peer)), ...connected])].slice(0, MAX_OWN_SOURCES)
    const answers = await Promise.allSettled(sources.map(async (source) => puller.newestOwn(source, afterSequence, options)))
    answers.forEach((answer, index) => { answer.status === 'rejected' && logger('could not ask %s for own updates - %e', sources[index], answer.reason) })
    const fulfilled = answers.filter((answer) => answer.status === 'fulfilled')
    const [newest] = fulfilled.flatMap(({ value }) => value?.header ?? []).sort((a, b) => b.sequence - a.sequence)
    return { answers: fulfilled.length, ...(newest === undefined ? {} : { newest: { round: newest.round, sequence: newest.sequence } }) }
  }

  private cached (author: PeerName): PulledUpdate | undefined {
    const held = this.components.cache.latest(author)
    if (held !== undefined && this.components.gatekeeper?.acceptsUpdate(author, held.signed.header.sequence) === false) {
      return undefined
    }
    return held === undefined ? undefined : { ...held, from: author }
  }

  private async latestOf (author: PeerName, connected: readonly PeerName[], options: AbortOptions): Promise<PulledUpdate | undefined> {
    const sources = connected.includes(author) ? [author] : connected.slice(0, MAX_SOURCES)
    let newest = this.cached(author)
    for (const source of sources) {
      // one that cannot give it is no reason not to ask the next
      const update = await this.components.puller.latest(source, author, newest?.signed.header.sequence ?? 0, options).catch((err: unknown) => {
        this.components.logger('%s could not give the newest update of %s - %e', source, author, err)
        options.signal?.throwIfAborted()
        return undefined
      })
      if (update !== undefined && this.accept(update)) {
        this.components.cache.put(update)
        newest = update
      }
    }
    return newest
  }

  /**
   * Judged like a header that came by gossip. A duplicate is welcome: its payload may have been missing. Gossip may
   * have brought a newer one since the question was asked: the answer is old then, but it was no replay
   */
  private accept (update: PulledUpdate): boolean {
    const { log, neighbourhood, refuse } = this.components
    const { signed, from } = update
    if (this.components.gatekeeper?.acceptsUpdate(signed.author, signed.header.sequence) === false) {
      refuse({ peer: from, author: signed.author, reason: 'not-member' })
      return false
    }
    const verdict = log.judge(signed)
    if (verdict === 'replay' || verdict === 'late') {
      return false
    }
    if (verdict !== 'new' && verdict !== 'duplicate') {
      refuse({ peer: from, author: signed.author, reason: verdict })
      return false
    }
    if (verdict === 'new') {
      log.record(signed)
      neighbourhood.heard(signed.author, signed.header.round)
    }
    return true
  }

  private askSilent (): void {
    const now = this.components.clock.monotonicMs()
    for (const peer of this.live) {
      if (now - (this.askedAtMs.get(peer) ?? 0) >= SILENCE_MS) {
        this.ask(peer)
      }
    }
  }

  private ask (peer: PeerName): void {
    const { logger, clock } = this.components
    this.askedAtMs.set(peer, clock.monotonicMs())
    if (this.asking.has(peer)) {
      return
    }
    this.asking.add(peer)
    this.missed(peer)
      .catch((err: unknown) => { logger('could not ask %s for its newest update - %e', peer, err) })
      .finally(() => { this.asking.delete(peer) })
  }

  private async missed (author: PeerName): Promise<void> {
    const { puller, log, deliver } = this.components
    const known = log.newest(author)?.header.sequence ?? 0
    const update = await puller.latest(author, author, known, { signal: this.stopping.signal })
    if (update !== undefined && this.accept(update)) {
      deliver(update)
    }
  }
}

/** Rejects when the signal aborts, with its reason */
async function rejection (signal: AbortSignal | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  // nobody may be waiting any more
  promise.catch(() => {})
  if (signal?.aborted === true) {
    reject(signal.reason)
  }
  signal?.addEventListener('abort', () => { reject(signal.reason) }, { once: true })
  return promise
}
