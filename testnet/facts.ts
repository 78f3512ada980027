/**
 * What was not as usual in a testnet, in words
 */
import { milliseconds, percent, plural } from './format.ts'
import type { ReportKill, TestnetReport } from './interface.ts'

function killText (kill: ReportKill): string {
  const survivors = kill.survivorsMs === null ? 'not all others finished that round' : `the others had finished it ${milliseconds(kill.survivorsMs)} later`
  const back = kill.backInMeshMs === null ? 'it did not come back to the mesh' : `it was back in the mesh after ${milliseconds(kill.backInMeshMs)}`
  const restarted = kill.restartedAtRound === null ? '' : `; started again in round ${kill.restartedAtRound} it went on after its round ${kill.resumedAtRound ?? '?'} and ${back}`
  return `${kill.name} was killed in round ${kill.round}: ${survivors}${restarted}.`
}

function limitFacts ({ attackers, summary: { detection: { precision, recall }, honestGraph }, configuration: { federation: { document } } }: TestnetReport): string[] {
  const { f } = document.aggregation
  return [
    ...(attackers.length === 0 ? [] : [`detection: ${percent(precision)} of those suspected lied (precision), ${percent(recall)} of the liars beside honest peers were suspected (recall).`]),
    ...(f <= honestGraph.toleratedLiars || document.aggregation.rule === 'mean' ? [] : [`this mesh withstands ${plural(honestGraph.toleratedLiars, 'liar')} among each peer's neighbours in the worst case (algebraic connectivity ${honestGraph.algebraicConnectivity.toFixed(2)}), the document declares f = ${f}.`])
  ]
}

/** One line for each thing that was not as usual */
export function facts (report: TestnetReport): string[] {
  return [
    ...report.peers.filter((peer) => peer.state === 'failed').map((peer) => `${peer.name} failed: it ended although nobody asked it to.`),
    ...report.kills.map(killText),
    ...report.attackers.map((attacker) => `${attacker.name} attacked (${attacker.attack}): honest peers left its update out ${attacker.excluded} of ${attacker.of} times; ${attacker.suspectedBy} of ${attacker.neighbours} honest neighbours suspected it at the end.`),
    ...limitFacts(report)
  ]
}
