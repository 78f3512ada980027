/**
 * Passing on updates to those who do not have them, and to nobody else
 *
 * An author sends its update to all its followers at once. A follower that passed it on at once would send it to
 * others for whom it is on its way already: three and a half times the bytes, measured. The router lets peers say
 * that they have a message (IDONTWANT); waiting until they could say so leaves only those whose link to the author is
 * down. What did not come from its author itself is passed on at once.
 *
 * What is more than a receiver takes from one peer is not passed on at all.
 */
import { authorOfTopic } from '../support/topics.ts'
import type { GossipsubMessage, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerName } from '../../interface.ts'
import type { Pubsub } from './internals.ts'

/** Longer than an update takes from its author to all followers; shorter than anyone waits for a neighbour */
const PATIENCE_MS = 600

/** What is passed on, by what came from whom. Everything unless it is given */
export interface ForwardLimits {
  forwards: (source: PeerName, bytes: number) => boolean
  notifies: (source: PeerName) => boolean
}

type Router = Pick<Pubsub,
  'addEventListener' | 'removeEventListener' | 'reportMessageValidationResult' | 'sendIDontWants'>

/** For a router with `asyncValidation`, which holds each message until it is told. Call the result to stop */
export function forwardPatiently (pubsub: Router, limits?: ForwardLimits): () => void {
  const timers = new Set<NodeJS.Timeout>()
  const onMessage = ({ detail: { propagationSource, msgId, msg } }: CustomEvent<GossipsubMessage>): void => {
    const source = propagationSource.toString()
    const forward = (): void => {
      const verdict = limits?.forwards(source, msg.data.byteLength) === false ? 'ignore' : 'accept'
      pubsub.reportMessageValidationResult(msgId, source, verdict as TopicValidatorResult)
    }
    if (authorOfTopic(msg.topic) !== source) {
      forward()
      return
    }
    const timer = setTimeout(() => {
      timers.delete(timer)
      forward()
    }, PATIENCE_MS)
    timers.add(timer)
  }
  const sendIDontWants = pubsub.sendIDontWants.bind(pubsub)
  if (limits !== undefined) {
    pubsub.sendIDontWants = (msgId, topic, source) => {
      if (limits.notifies(source)) {
        sendIDontWants(msgId, topic, source)
      }
    }
  }
  pubsub.addEventListener('gossipsub:message', onMessage)
  return () => {
    pubsub.removeEventListener('gossipsub:message', onMessage)
    timers.forEach(clearTimeout)
    timers.clear()
  }
}
