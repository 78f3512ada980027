/**
 * A protocol of two steps that each address one receiver: an echo around the ring of the peers
 *
 * Step 1: each peer sends a token to the next one in ascending order. Step 2: who got a token sends it back. Only the
 * update of a peer that answered takes part; without an answer there is no result.
 */
import type { Exchange, ProtocolInput, ProtocolOutcome, RoundProtocol } from '../../src/index.ts'

const TOKEN = 1
const ANSWER = 2

export interface Echo {
  round: number
  next: string
  sent: string
  answer: string | undefined
}

export interface EchoInit {
  /** Told of each round */
  onEcho?: (echo: Echo) => void
  /** Never answers */
  isMute?: boolean
}

function after (self: string, peers: readonly string[]): string | undefined {
  return [...peers].sort().find((peer) => peer > self) ?? [...peers].sort()[0]
}

function before (self: string, peers: readonly string[]): string | undefined {
  return [...peers].sort().reverse().find((peer) => peer < self) ?? [...peers].sort().at(-1)
}

export function echoProtocol ({ onEcho = () => {}, isMute = false }: EchoInit = {}): RoundProtocol {
  const run = async (exchange: Exchange, { received }: ProtocolInput): Promise<ProtocolOutcome> => {
    const { self, round, peers } = exchange
    const [next, previous] = [after(self, peers), before(self, peers)]
    if (next === undefined || previous === undefined) {
      return undefined
    }
    const token = Buffer.from(`round ${round}, ${self} to ${next}`)
    await exchange.send(next, TOKEN, token)
    const asked = (await exchange.collect(TOKEN, { from: [previous] })).get(previous)
    if (asked !== undefined && !isMute) {
      await exchange.send(previous, ANSWER, asked)
    }
    const answer = (await exchange.collect(ANSWER, { from: [next] })).get(next)
    onEcho({ round, next, sent: token.toString(), answer: answer === undefined ? undefined : Buffer.from(answer).toString() })
    const replica = received.get(next)
    return answer !== undefined && token.equals(answer) && replica !== undefined ? new Map([[next, replica]]) : undefined
  }
  return { name: 'echo', steps: 3, maxStepBytes: () => 1_024, isPostProcessing: true, run }
}
