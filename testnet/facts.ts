/**
 * What was not as usual in a testnet, in words
 */
import { milliseconds, percent, plural } from './format.ts'
import type { ReportAttacker, ReportKill, ReportPeer, TestnetReport } from './interface.ts'

/** Peers that one line names */
const MOST_NAMED = 8

function killText (kill: ReportKill): string {
  const survivors = kill.survivorsMs === null ? 'not all others finished that round' : `the others had finished it ${milliseconds(kill.survivorsMs)} later`
  const back = kill.backInMeshMs === null ? 'it did not come back to the mesh' : `it was back in the mesh after ${milliseconds(kill.backInMeshMs)}`
  const restarted = kill.restartedAtRound === null ? '' : `; started again in round ${kill.restartedAtRound} it went on after its round ${kill.resumedAtRound ?? '?'} and ${back}`
  return `${kill.name} was killed in round ${kill.round}: ${survivors}${restarted}.`
}

/** Who observed, from when on, in the order of the rounds */
function budgetFacts ({ peers, summary }: TestnetReport): string[] {
  const spent = peers.filter((peer): peer is ReportPeer & { exhaustedAtRound: number } => peer.byzantine === false && peer.exhaustedAtRound !== null)
    .sort((a, b) => a.exhaustedAtRound - b.exhaustedAtRound)
  if (spent.length === 0) {
    return []
  }
  const named = spent.slice(0, MOST_NAMED).map(({ name, exhaustedAtRound }) => `${name} from round ${exhaustedAtRound}`)
  const rest = spent.length - named.length
  const [first] = spent
  const who = spent.length === summary.peers && first!.exhaustedAtRound === spent.at(-1)!.exhaustedAtRound ? `all from round ${first!.exhaustedAtRound}` : `${named.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`
  return [`${spent.length} of ${plural(summary.peers, 'honest peer')} spent the privacy budget before the end, and only averaged and evaluated from then on: ${who}.`]
}

function attackText ({ name, attack, excluded, of, suspectedBy, neighbours }: ReportAttacker, peers: readonly ReportPeer[]): string {
  const exhaustedAt = peers.find((peer) => peer.name === name)?.exhaustedAtRound ?? null
  const silent = exhaustedAt === null ? '' : ` From round ${exhaustedAt} on it sent nothing: its privacy budget was spent.`
  return `${name} attacked (${attack}): honest peers left its update out ${excluded} of ${of} times; ${suspectedBy} of ${neighbours} honest neighbours suspected it at the end.${silent}`
}

/** No rule is meant to stand more liars than the document declares */
function overrunFacts ({ peers, configuration: { federation: { document: { aggregation: { f, rule } } } } }: TestnetReport): string[] {
  const liars = new Set(peers.filter(({ byzantine }) => byzantine !== false).map(({ name }) => name))
  const most = peers.filter(({ byzantine }) => byzantine === false).map(({ name, neighbours }) => ({ name, liars: neighbours.filter((one) => liars.has(one)).length }))
    .filter((peer) => peer.liars > f).sort((a, b) => b.liars - a.liars)
  return most.length === 0 || rule === 'mean' ? [] : [`${plural(most.length, 'honest peer')} had more liars among the neighbours than the document declares (f = ${f}): ${most.slice(0, MOST_NAMED).map((peer) => `${peer.name} ${peer.liars}`).join(', ')}${most.length > MOST_NAMED ? ` and ${most.length - MOST_NAMED} more` : ''}.`]
}

function detectionText ({ precision, recall }: TestnetReport['summary']['detection']): string {
  const named = precision === null ? 'nobody was suspected at the end' : `${percent(precision)} of those suspected lied (precision)`
  const found = recall === null ? 'no liar was beside an honest peer' : `${percent(recall)} of the liars beside honest peers were suspected (recall)`
  return `detection: ${named}, ${found}.`
}

/** What the mesh withstands says something about honest peers that send: about nobody when they all observe */
function withstandsText ({ honestGraph: { peers, algebraicConnectivity, toleratedLiars }, peers: all }: TestnetReport['summary'], f: number): string {
  if (peers < 2) {
    return `${peers === 0 ? 'no honest peer' : 'only one honest peer'} sent updates at the end: there was no mesh left that could withstand a liar, the document declares f = ${f}.`
  }
  const at = peers === all ? '' : ` at the end, when ${peers} of ${all} honest peers still sent updates`
  return `this mesh withstands ${plural(toleratedLiars, 'liar')} among each peer's neighbours in the worst case (algebraic connectivity ${algebraicConnectivity.toFixed(2)})${at}, the document declares f = ${f}.`
}

function limitFacts ({ attackers, summary, configuration: { federation: { document } } }: TestnetReport): string[] {
  const { f, rule } = document.aggregation
  return [
    ...(attackers.length === 0 ? [] : [detectionText(summary.detection)]),
    ...(f <= summary.honestGraph.toleratedLiars || rule === 'mean' ? [] : [withstandsText(summary, f)])
  ]
}

/** One line for each thing that was not as usual */
export function facts (report: TestnetReport): string[] {
  return [
    ...report.peers.filter((peer) => peer.state === 'failed').map((peer) => `${peer.name} failed: it ended although nobody asked it to.`),
    ...report.kills.map(killText),
    ...budgetFacts(report),
    ...report.attackers.map((attacker) => attackText(attacker, report.peers)),
    ...overrunFacts(report),
    ...limitFacts(report)
  ]
}
