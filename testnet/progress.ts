/**
 * What a person sees while a testnet runs: one block for all peers on a terminal, one line a round elsewhere
 */
import { printable } from '../src/quoted.ts'
import { bytes, counts, milliseconds, percent, plural } from './format.ts'
import { endingText, roundText } from './privacy-text.ts'
import type { RoundSummary, Testnet, TestnetPeer } from './interface.ts'

/** Quicker is a flicker */
const REFRESH_MS = 200
/** Without a terminal: say that it still runs */
const HEARTBEAT_MS = 30_000
const CLEAR_BELOW = '\u001b[0J'

export interface Output {
  isTTY?: boolean | undefined
  columns?: number | undefined
  rows?: number | undefined
  write: (text: string) => boolean
}

export interface Progress {
  /** One line that stays */
  line: (text: string) => void
  /** Ends the block */
  stop: () => void
}

/**
 * `round  3/15  1.21 s  accuracy 81.2 % mean, 76.0 % worst  sent 120 kB each  epsilon 1.2 of 8 (…)  5 train, 3 observe
 * rejected 2 (norm 2)  late 1`
 */
export function roundLine (summary: RoundSummary, rounds: number): string {
  const width = String(rounds).length
  const accuracy = summary.meanAccuracy === null ? r2Text(summary) : `  accuracy ${percent(summary.meanAccuracy)} mean, ${percent(summary.worstAccuracy)} worst`
  const rejected = Object.values(summary.rejected).reduce((sum, count) => sum + count, 0)
  const trouble = `${rejected === 0 ? '' : `  rejected ${rejected} (${counts(summary.rejected)})`}${summary.late === 0 ? '' : `  late ${summary.late}`}`
  const spent = summary.privacy === null ? '' : `  ${roundText(summary.privacy)}`
  const observing = summary.observing === 0 ? '' : `  ${summary.peers - summary.observing} train, ${summary.observing} observe`
  return `round ${String(summary.round).padStart(width)}/${rounds}  ${milliseconds(summary.durationMs).padStart(7)}${accuracy}  sent ${bytes(summary.bytesSent)} each${spent}${observing}${trouble}`
}

function r2Text ({ meanR2, worstR2 }: RoundSummary): string {
  return meanR2 === undefined || worstR2 === undefined ? '' : `  R2 ${meanR2.toFixed(3)} mean, ${worstR2.toFixed(3)} worst`
}

/** One line of the block */
export function peerLine (peer: TestnetPeer, rounds: number): string {
  const role = peer.byzantine === undefined ? '' : `  attacks: ${peer.byzantine}`
  const doing = peer.state === 'ready' ? peer.phase ?? 'ready' : peer.state
  const round = `${peer.round}/${rounds}`
  return `${peer.name.padEnd(8)} ${round.padStart(7)}  ${doing.padEnd(9)} ${percent(peer.accuracy).padStart(7)}  ${plural(peer.neighbours, 'neighbour').padEnd(13)}${peer.rejected === 0 ? '' : `rejected ${peer.rejected}`}${role}`.trimEnd()
}

/** As many peers as fit, then how many more there are */
export function blockLines (peers: readonly TestnetPeer[], options: { rounds: number, rows: number, columns: number }): string[] {
  const room = Math.max(3, options.rows - 2)
  const shown = peers.length <= room ? peers : peers.slice(0, room - 1)
  const rest = peers.length - shown.length
  const lines = shown.map((peer) => peerLine(peer, options.rounds))
  return [...lines, ...(rest === 0 ? [] : [`and ${plural(rest, 'peer')} more`])].map((line) => printable(line.slice(0, Math.max(1, options.columns - 1))))
}

/** What a testnet shows: its peers, and what it does when these are done */
interface Shown {
  testnet: Pick<Testnet, 'peers'>
  rounds: number
  output: Output
  /** Undefined while the peers are what matters */
  status: () => string | undefined
}

/** A terminal that does not know its size says 0 */
function sizeOf ({ rows = 0, columns = 0 }: Output): { rows: number, columns: number } {
  return { rows: rows > 0 ? rows : 24, columns: columns > 0 ? columns : 80 }
}

/** Redraws itself in place; lines that stay are written above it */
function liveBlock ({ testnet, rounds, output, status }: Shown): Progress {
  let drawn = 0
  const erase = (): string => drawn === 0 ? '' : `\u001b[${drawn}A\r${CLEAR_BELOW}`
  const draw = (above: string): void => {
    const doing = status()
    const lines = doing === undefined ? blockLines(testnet.peers(), { rounds, ...sizeOf(output) }) : [doing]
    output.write(`${erase()}${above}${lines.map((line) => `${line}\n`).join('')}`)
    drawn = lines.length
  }
  const timer = setInterval(() => draw(''), REFRESH_MS)
  return {
    line: (text) => draw(`${printable(text)}\n`),
    stop: () => {
      clearInterval(timer)
      output.write(erase())
      drawn = 0
    }
  }
}

/** Lines alone, and now and then a sign of life */
function plainLines ({ testnet, rounds, output, status }: Shown): Progress {
  const timer = setInterval(() => {
    const busy = testnet.peers().filter((peer) => peer.byzantine === undefined && !['finished', 'failed', 'killed', 'stopped'].includes(peer.state))
    const slowest = busy.sort((a, b) => a.round - b.round)[0]
    const doing = status() ?? (slowest === undefined ? undefined : peerLine(slowest, rounds))
    output.write(`still running${doing === undefined ? '' : `: ${doing}`}\n`)
  }, HEARTBEAT_MS)
  return {
    line: (text) => {
      timer.refresh()
      output.write(`${printable(text)}\n`)
    },
    stop: () => clearInterval(timer)
  }
}

/** Follows a testnet until `stop` */
export function showProgress (testnet: Testnet, options: { rounds: number, output: Output }): Progress {
  const { rounds, output } = options
  let status: string | undefined
  const shown: Shown = { testnet, rounds, output, status: () => status }
  const progress = output.isTTY === true ? liveBlock(shown) : plainLines(shown)
  testnet.addEventListener('budget:forecast', ({ detail }) => progress.line(endingText(detail.peers, { rounds, peers: testnet.peers().length })))
  testnet.addEventListener('ready', ({ detail }) => progress.line(`mesh ready after ${milliseconds(detail.durationMs)}: ${plural(detail.peers, 'peer')}, backend ${detail.backend}`))
  testnet.addEventListener('round:end', ({ detail }) => progress.line(roundLine(detail, rounds)))
  testnet.addEventListener('peer:kill', ({ detail }) => progress.line(`${detail.node} killed in round ${detail.round}`))
  testnet.addEventListener('peer:restart', ({ detail }) => progress.line(`${detail.node} started again in round ${detail.round}`))
  testnet.addEventListener('peer:exhausted', ({ detail }) => progress.line(`${detail.node} has spent its privacy budget: from round ${detail.round} on it sends nothing, and averages and evaluates only`))
  testnet.addEventListener('alone:progress', ({ detail }) => {
    status = `training alone, for comparison: ${detail.done} of ${plural(detail.of, 'peer')} done`
    if (detail.done === detail.of) {
      progress.line(`trained ${plural(detail.of, 'peer')} alone, for comparison`)
    }
  })
  testnet.addEventListener('warning', ({ detail }) => progress.line(`warning: ${detail.message}`))
  testnet.addEventListener('peer:fail', ({ detail }) => {
    progress.line(detail.reason)
    for (const line of detail.stderr) {
      progress.line(`  | ${line}`)
    }
  })
  return progress
}
