/**
 * A node's events on the terminal: JSON lines, or rounds and narration for people
 */
import { bestAddress, isLoopback } from './best-address.ts'
import { reportError } from './error-report.ts'
import { formatDuration, formatLateMix, formatRound, formatWaiting, shortId } from './format.ts'
import { logMembership } from './membership-log.ts'
import { formatExhausted, formatPromise, formatSpent } from './privacy-text.ts'
import { readingProgress } from './reading-progress.ts'
import type { Terminal } from './terminal.ts'
import type { GrapevineNode, NodeEvents, StopReason } from '../src/node/node-interface.ts'
import type { RoundPhase } from '../src/round/round-events.ts'

/**
 * The events that JSON lines show. `update:rejected` is left out: a flood would become a flood of lines; rounds count
 * them
 */
const JSON_EVENTS = ['listening', 'joined', 'peer:connect', 'peer:disconnect', 'neighbours:change', 'mesh:ready', 'round:start', 'round:phase',
  'round:end', 'round:jump', 'round:waiting', 'round:mixed', 'privacy:exhausted', 'version:commit', 'admission:waiting',
  'governance:request', 'governance:admission', 'governance:act', 'governance:decision', 'governance:standing', 'warning', 'stopped'] as const satisfies ReadonlyArray<keyof NodeEvents>

const PHASE_WORDS: Record<RoundPhase, string> = {
  train: 'training',
  encode: 'encoding',
  publish: 'publishing',
  wait: 'waiting for neighbours',
  aggregate: 'aggregating',
  evaluate: 'evaluating',
  persist: 'saving'
}

const STOPPED: Record<StopReason, (round: number) => string> = {
  rounds: (round) => `all rounds done: stopped after round ${round}`,
  budget: (round) => `the privacy budget is spent and nobody is here to average with: stopped after round ${round}`,
  request: (round) => `stopped at round ${round}`,
  error: (round) => `stopped at round ${round}`
}

const PROGRESS_INTERVAL_MS = 250

/** Where no line can be rewritten, a long round says now and then that it is alive */
const HEARTBEAT_MS = 30_000

const WARNING_INTERVAL_MS = 60_000

export function logNode (node: GrapevineNode, terminal: Terminal): void {
  if (terminal.json) {
    logJson(node, terminal)
  } else {
    logRounds(node, terminal)
    logNarration(node, terminal)
  }
  logMembership(node, terminal)
}

function logJson (node: GrapevineNode, terminal: Terminal): void {
  for (const type of JSON_EVENTS) {
    node.addEventListener(type, (event: CustomEvent<object>) => {
      terminal.event(type, plainDetail(event.detail))
    })
  }
}

/** An Error has no JSON of its own */
function plainDetail (detail: object): object {
  if (!('error' in detail)) {
    return detail
  }
  const { code, exit, message, fix } = reportError(detail.error)
  return { ...detail, error: { code, exit, message, fix } }
}

function logRounds (node: GrapevineNode, terminal: Terminal): void {
  const progress = new RoundProgress(node, terminal)
  node.addEventListener('round:start', ({ detail }) => {
    progress.begin(detail.round)
  })
  node.addEventListener('round:end', ({ detail }) => {
    progress.end()
    terminal.line(formatRound(detail))
  })
  node.addEventListener('round:waiting', ({ detail }) => {
    progress.end()
    terminal.line(formatWaiting(detail))
  })
  node.addEventListener('round:mixed', ({ detail }) => {
    terminal.line(formatLateMix(detail))
  })
  node.addEventListener('privacy:exhausted', ({ detail }) => {
    terminal.warn(formatExhausted(detail.status))
  })
  node.addEventListener('stopped', () => {
    progress.end()
  })
}

function logNarration (node: GrapevineNode, terminal: Terminal): void {
  const reading = readingProgress(terminal)
  node.addEventListener('data:read', ({ detail }) => { reading(detail.share) })
  node.addEventListener('listening', ({ detail }) => {
    noteAddresses(terminal, detail, node.governance() !== undefined)
  })
  node.addEventListener('joined', ({ detail }) => {
    terminal.progress('')
    const { how, name, federation, round, backend } = detail
    terminal.note(`${how} federation "${name}" (${shortId(federation)})${round === 0 ? '' : ` at round ${round}`}, training with ${backend}`)
    notePrivacy(node, terminal)
    noteWaiting(node, terminal)
  })
  node.addEventListener('peer:connect', ({ detail }) => {
    terminal.detail(`connected to ${shortId(detail.peer)} at ${detail.address}`)
  })
  node.addEventListener('peer:disconnect', ({ detail }) => {
    terminal.detail(`lost ${shortId(detail.peer)}`)
  })
  node.addEventListener('neighbours:change', ({ detail }) => {
    if (node.status === 'waiting') {
      noteWaiting(node, terminal)
    }
    const live = detail.neighbours.filter((neighbour) => neighbour.live).length
    terminal.detail(`neighbours: ${live} live of ${detail.neighbours.length}`)
  })
  node.addEventListener('mesh:ready', ({ detail }) => {
    terminal.note(`mesh ready: ${detail.members} members, ${detail.neighbours} of them neighbours`)
  })
  node.addEventListener('round:jump', ({ detail }) => {
    terminal.note(`took over the model of ${detail.sources} neighbour${detail.sources === 1 ? '' : 's'}: round ${detail.from} -> ${detail.to}`)
  })
  node.addEventListener('version:commit', ({ detail }) => {
    terminal.detail(`version ${detail.id.slice(0, 12)} saved`)
  })
  node.addEventListener('warning', warnSparingly(terminal))
  node.addEventListener('stopped', ({ detail }) => {
    terminal.note(STOPPED[detail.reason](detail.round))
  })
}

/** A condition that lasts warns in every round: once a minute is enough to read */
function warnSparingly (terminal: Terminal): (event: NodeEvents['warning']) => void {
  const shownAt = new Map<string, number>()
  return ({ detail: { code, message } }) => {
    const now = performance.now()
    const last = shownAt.get(code)
    if (last === undefined || now - last >= WARNING_INTERVAL_MS || terminal.verbose) {
      shownAt.set(code, now)
      terminal.warn(`${message} (${code})`)
    }
  }
}

function noteWaiting (node: GrapevineNode, terminal: Terminal): void {
  const { members, minMembers, privacy } = node.describe()
  if (members.length < minMembers) {
    terminal.note(`waiting for other peers: ${members.length} of ${minMembers} members are here${privacy?.exhausted === true ? '; with its privacy budget spent this peer ends when nobody comes within a minute' : ''}`)
  }
}

function notePrivacy (node: GrapevineNode, terminal: Terminal): void {
  const document = node.federation()
  if (document !== undefined) {
    const { privacy } = node.describe()
    terminal.note(`privacy: ${formatPromise(document.privacy)}${privacy === null ? '' : `; spent so far: ${formatSpent(privacy)}`}`)
  }
}

function noteAddresses (terminal: Terminal, { peer, addresses }: NodeEvents['listening']['detail'], isInvited: boolean): void {
  terminal.note(`peer ${peer}`)
  for (const address of addresses) {
    terminal.note(`listening on ${address}`)
  }
  const best = bestAddress(addresses)
  if (best !== undefined && isInvited) {
    terminal.note(`Let another machine in: ${terminal.style('bold', 'grapevine invite')}; or it asks to be admitted, with grapevine join ${best}`)
  } else if (best !== undefined) {
    terminal.note(isLoopback(best) ? 'Join from this machine (loopback only: other machines need --listen or --announce):' : 'Join from another machine:')
    terminal.note(`  ${terminal.style('bold', `grapevine join ${best}`)}`)
  }
}

/** The line of the round in hand */
class RoundProgress {
  private readonly node: GrapevineNode
  private readonly terminal: Terminal
  private timer: NodeJS.Timeout | undefined
  private startedAt = 0
  private round = 0

  constructor (node: GrapevineNode, terminal: Terminal) {
    this.node = node
    this.terminal = terminal
  }

  begin (round: number): void {
    this.end()
    this.round = round
    this.startedAt = performance.now()
    this.timer = setInterval(() => {
      this.show()
    }, this.terminal.live ? PROGRESS_INTERVAL_MS : HEARTBEAT_MS)
    this.timer.unref()
  }

  end (): void {
    clearInterval(this.timer)
    this.terminal.progress('')
  }

  private show (): void {
    const { phase, neighbours, lastRound } = this.node.describe()
    const live = neighbours.filter((neighbour) => neighbour.live).length
    const usual = lastRound === undefined ? '' : `, the last one took ${formatDuration(lastRound.durationMs)}`
    const text = `round ${this.round}: ${phase === undefined ? 'starting' : PHASE_WORDS[phase]}, ${formatDuration(performance.now() - this.startedAt)}${usual}, ${live} live neighbours`
    if (this.terminal.live) {
      this.terminal.progress(text)
    } else {
      this.terminal.note(text)
    }
  }
}
