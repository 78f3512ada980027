/**
 * What this node publishes: signed, chained to what it published before in this run, and held for those who ask
 *
 * A node that has spent its privacy budget publishes nothing any more, but its last update is public: it is handed on
 * as it was signed, after a restart too, so that a mesh in which everybody has spent its budget can still give a
 * newcomer a model.
 */
import { PublishError } from '../../errors.ts'
import { KEYFRAME } from '../../update-kind.ts'
import { encodeSigned, matchesPayload, readUpdate, signHeader, verifyHeader } from '../signed/update-header.ts'
import { readEarlierUpdate } from '../signed/version-1.ts'
import type { Logger, PrivateKey } from '@libp2p/interface'
import type { EarlierLife, OutgoingUpdate, PeerName, Store } from '../../interface.ts'
import type { CachedUpdate, UpdateCache } from './update-cache.ts'
import type { Understanding } from '../signed/header-fields.ts'
import type { SignedHeader } from '../signed/update-header.ts'
import type { EarlierUpdate } from '../signed/version-1.ts'

export interface OwnUpdatesComponents {
  cache: Pick<UpdateCache, 'put'>
  logger: Logger
  privateKey: PrivateKey
  store: Pick<Store, 'putPublished' | 'getPublished'>
}

export interface OwnUpdatesInit extends Understanding {
  federation: string
  self: PeerName
  maxPayloadBytes: number
  /** Stores the newest one */
  keep: boolean
}

export class OwnUpdates {
  private readonly components: OwnUpdatesComponents
  private readonly init: OwnUpdatesInit
  /** The last one of this run: what an earlier run signed after its newest stored one is not known for sure */
  private last: SignedHeader | undefined
  /** What version 0.1 published last, until it is known whether anything came later */
  private earlier: EarlierUpdate | undefined

  constructor (components: OwnUpdatesComponents, init: OwnUpdatesInit) {
    this.components = components
    this.init = init
  }

  /** Takes up the newest one of earlier runs. Throws what the store throws */
  async load (): Promise<void> {
    const { store, cache, logger } = this.components
    const message = this.init.keep ? await store.getPublished() : undefined
    if (message === undefined) {
      return
    }
    const update = await this.verified(message)
    this.earlier = update === undefined ? await this.publishedByVersion1(message) : undefined
    if (update === undefined && this.earlier === undefined) {
      logger.error('the last own update in the store is damaged or of another key or federation: nobody can have it from here')
      return
    }
    update === undefined || cache.put(update)
  }

  private async publishedByVersion1 (message: Uint8Array): Promise<EarlierUpdate | undefined> {
    const { self, federation, maxPayloadBytes } = this.init
    const earlier = await readEarlierUpdate(message, self)
    return earlier?.fields.federation === federation && earlier.payload.byteLength <= maxPayloadBytes ? earlier : undefined
  }

  /**
   * Others were asked. Where they know of no later update of this key, what version 0.1 published last is handed on
   * under the signature of today, the same bytes for the same round, so that it tells nobody anything new. Throws what
   * the store throws
   */
  async learn ({ answers, newest }: EarlierLife): Promise<void> {
    if (newest !== undefined) {
      this.earlier = undefined
    }
    if (this.earlier === undefined || answers === 0) {
      return
    }
    const { privateKey, store, cache } = this.components
    const { fields, payload } = this.earlier
    this.earlier = undefined
    const signed = await signHeader(privateKey, { ...fields, epoch: this.init.epoch }, payload)
    await store.putPublished(encodeSigned(signed, payload))
    cache.put({ signed, payload })
  }

  /**
   * Signs an update, and holds it before anybody can have it. Throws PublishError for one that stands on another where
   * there is none
   */
  async sign ({ payload, ...fields }: OutgoingUpdate): Promise<SignedHeader> {
    const { privateKey, cache, store, logger } = this.components
    logger.trace('publishing round %d', fields.round)
    const { federation, epoch, vectors } = this.init
    if (this.last === undefined && (fields.kind ?? KEYFRAME) !== KEYFRAME) {
      throw new PublishError(`round ${fields.round} cannot be published: a stream begins with a keyframe`)
    }
    const signed = await signHeader(privateKey, { ...fields, federation, epoch, vectors, follows: this.last }, payload)
    if (this.init.keep) {
      await store.putPublished(encodeSigned(signed, payload))
    }
    this.last = signed
    this.earlier = undefined
    cache.put({ signed, payload })
    return signed
  }

  private async verified (message: Uint8Array): Promise<CachedUpdate | undefined> {
    const { federation, self, maxPayloadBytes, kinds, vectors } = this.init
    const update = readUpdate(message, { maxMessageBytes: Infinity, maxPayloadBytes, kinds, vectors })
    if (typeof update === 'string' || update.payload === undefined) {
      return undefined
    }
    const { signed, payload } = update
    const isOwn = signed.author === self && signed.header.federation === federation
    return isOwn && matchesPayload(signed, payload) && await verifyHeader(signed) ? { signed, payload } : undefined
  }
}
