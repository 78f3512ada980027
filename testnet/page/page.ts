/**
 * The report as one self-contained page: no script, no request, readable aloud, in the dark and on paper
 */
import { bytes, counts, milliseconds, percent, plural, points, significant } from '../format.ts'
import { facts } from '../facts.ts'
import { epsilonText, promiseText, termsText } from '../privacy-text.ts'
import { accuracyChart, bytesChart, consensusChart, epsilonChart, meanByRound, roundNumbers } from './charts.ts'
import { element, table, text } from './markup.ts'
import { phaseBar, phaseLegend } from './phase-bar.ts'
import { STYLE } from './style.ts'
import { observes, topologyChart } from './topology-chart.ts'
import type { ReportPeer, ReportPrivacy, TestnetReport } from '../interface.ts'

const POLICY = 'default-src \'none\'; style-src \'unsafe-inline\''

/** Pure: equal reports give equal pages */
export function renderPage (report: TestnetReport): string {
  const title = `Grapevine testnet: ${headline(report)}`
  return '<!doctype html>\n' + element('html', { lang: 'en' },
    element('head', {},
      element('meta', { charset: 'utf-8' }),
      element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
      element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      element('title', {}, text(title)),
      element('style', {}, STYLE)),
    element('body', {}, element('main', {}, header(report), notices(report), tiles(report), charts(report), phases(report), peers(report), rounds(report), configuration(report)))) + '\n'
}

function headline ({ configuration, summary }: TestnetReport): string {
  return `${plural(configuration.peers, 'peer')}, ${plural(configuration.rounds, 'round')}, ${percent(summary.meanAccuracy)} mean accuracy`
}

function header (report: TestnetReport): string {
  const { summary, configuration } = report
  const gain = summary.meanAccuracy === null || summary.aloneMeanAccuracy === null ? '' : `, ${points(summary.meanAccuracy - summary.aloneMeanAccuracy)} against training alone`
  return element('header', {},
    element('h1', {}, text(`Grapevine testnet: ${configuration.federation.document.name}`)),
    element('p', { class: 'soft' }, text(`${headline(report)}${gain}. `),
      element('time', { datetime: report.startedAt }, text(`${report.startedAt.replace('T', ' ').slice(0, 16)} UTC`)), text(`, ${milliseconds(summary.totalMs)} in all.`)))
}

function notices (report: TestnetReport): string {
  const lines = facts(report)
  return lines.length === 0 ? '' : element('div', { class: 'notice' }, element('ul', {}, ...lines.map((line) => element('li', {}, text(line)))))
}

function tile (name: string, value: string, detail: string): string {
  return element('div', {}, element('dt', {}, text(name)), element('dd', {}, text(value), element('small', {}, text(detail))))
}

function tiles ({ summary }: TestnetReport): string {
  const gain = summary.meanAccuracy === null || summary.aloneMeanAccuracy === null ? '' : points(summary.meanAccuracy - summary.aloneMeanAccuracy)
  return element('dl', { class: 'tiles' },
    tile('Mean accuracy', percent(summary.meanAccuracy), `worst peer ${percent(summary.worstAccuracy)}`),
    tile('Alone', percent(summary.aloneMeanAccuracy), summary.aloneMeanAccuracy === null ? 'not measured' : `gossip: ${gain}`),
    tile('Consensus distance', significant(summary.consensusDistance), 'between the final models'),
    tile('Sent', bytes(summary.bytesSentPerPeerPerRound), 'per peer and round'),
    tile('Round', milliseconds(summary.secondsPerRound * 1000), `not training: ${percent(summary.nonTrainingShare)}`),
    tile('Rejected', String(Object.values(summary.rejected).reduce((sum, count) => sum + count, 0)), `${counts(summary.rejected)}; late ${summary.late}`),
    summary.privacy === null
      ? tile('Privacy', 'none', 'what peers send tells neighbours about their examples')
      : tile('Privacy', `epsilon ${epsilonText(summary.privacy.worstEpsilon)}`, `worst peer, of ${epsilonText(summary.privacy.limit)} (${termsText(summary.privacy)})`))
}

function charted (id: string, title: string, svg: string, caption: string): string {
  return element('section', { id: `${id}-figure` }, element('h2', {}, text(title)), element('figure', {}, svg, element('figcaption', {}, text(caption))))
}

function charts (report: TestnetReport): string {
  const { privacy } = report.summary
  const alone = report.summary.aloneMeanAccuracy === null ? '' : ' Dashed: the mean of the same peers training alone.'
  return element('div', { class: 'charts' },
    charted('accuracy', 'Accuracy', accuracyChart(report), `Bold: mean of the honest peers. Thin: each peer.${report.attackers.length === 0 ? '' : ' Dotted: attackers.'}${alone}`),
    charted('consensus', 'Consensus distance', consensusChart(report), 'Line: estimated from the neighbours\' updates, before mixing. Ring: measured between all final models, after mixing.'),
    charted('bytes', 'Bytes on the wire', bytesChart(report), 'Mean of the honest peers, all connections and protocols included.'),
    privacy === null ? '' : charted('epsilon', 'Privacy spent', epsilonChart(report, privacy), `Epsilon (${termsText(privacy)}): bold the mean of the honest peers, thin each peer. Dashed: the limit, at which a peer sends nothing more. A simulation has ledgers of its own: no real budget is spent.`),
    charted('topology', 'Topology', topologyChart(report.peers), `Neighbours at the start of the last round.${report.attackers.length === 0 ? '' : ' Diamonds are attackers.'}${report.kills.length === 0 ? '' : ' Dashed: killed and not back.'}${report.peers.some(observes) ? ' Hollow: its budget was spent, it only receives.' : ''}`))
}

function phases ({ summary }: TestnetReport): string {
  return element('section', {}, element('h2', {}, 'Where the time of a round goes'), element('figure', {}, phaseBar(summary.phases), phaseLegend(summary.phases)))
}

function peers (report: TestnetReport): string {
  const { privacy } = report.summary
  return element('section', {}, element('h2', {}, 'Peers'), table({
    caption: `Each peer at the end${privacy === null ? '' : `; epsilon: ${termsText(privacy)}`}`,
    head: ['peer', 'role', 'accuracy', 'alone', 'rounds', 'backend', 'sent', 'rejected', ...(privacy === null ? [] : ['epsilon', 'budget']), 'neighbours', 'id'],
    words: ['role', 'backend', 'budget', 'neighbours', 'id'],
    rows: report.peers.map((peer) => [
      text(peer.name),
      text(peer.byzantine === false ? peer.state === 'finished' ? 'honest' : `honest, ${peer.state}` : `attacker, ${peer.byzantine}`),
      percent(peer.finalAccuracy),
      percent(peer.aloneAccuracy),
      String(peer.rounds.length),
      peer.backend,
      bytes(peer.rounds.reduce((sum, round) => sum + round.bytesSent, 0)),
      String(peer.rounds.reduce((sum, round) => sum + Object.values(round.rejected).reduce((all, count) => all + count, 0), 0)),
      ...(privacy === null ? [] : [epsilonCell(peer, privacy), peer.exhaustedAtRound === null ? 'lasted' : `spent, observes from round ${peer.exhaustedAtRound}`]),
      text(peer.neighbours.join(' ').replaceAll('peer-', '') || '-'),
      element('code', {}, text(peer.id === '' ? '-' : `${peer.id.slice(0, 8)}…${peer.id.slice(-4)}`))
    ])
  }))
}

function epsilonCell ({ rounds }: ReportPeer, { accountant }: ReportPrivacy): string {
  const last = rounds.at(-1)
  return last === undefined ? '-' : epsilonText(last.epsilon?.[accountant] ?? null)
}

function rounds (report: TestnetReport): string {
  const accuracy = meanByRound(report, (round) => round.accuracy)
  const distance = meanByRound(report, (round) => round.neighbourDistance)
  const sent = meanByRound(report, (round) => round.bytesSent)
  const received = meanByRound(report, (round) => round.bytesReceived)
  const duration = meanByRound(report, (round) => round.durationMs)
  return element('section', {}, element('details', {}, element('summary', {}, 'The charts as a table'), table({
    caption: 'Means of the honest peers, round by round',
    head: ['round', 'accuracy', 'distance', 'sent', 'received', 'duration'],
    rows: roundNumbers(report).map((number, index) => [
      String(number), percent(accuracy[index]!.y), significant(distance[index]!.y), bytes(sent[index]!.y ?? 0), bytes(received[index]!.y ?? 0), milliseconds(duration[index]!.y ?? 0)
    ])
  })))
}

function configuration (report: TestnetReport): string {
  const { configuration: given, versions } = report
  const { document } = given.federation
  const split = given.partition.strategy === 'dirichlet' ? `Dirichlet, alpha ${given.partition.alpha}` : given.partition.strategy === 'shards' ? `${given.partition.shardsPerPeer} label shards each` : 'iid'
  const list: Array<[string, string]> = [
    ['Preset', given.preset ?? '-'],
    ['Data', given.data.kind === 'digits' ? `digits, ${given.data.trainExamples} examples for training` : given.data.kind],
    ['Split', `${split}, seed ${given.seed}`],
    ['Training', `${document.training.epochs === undefined ? plural(document.training.steps ?? 0, 'step') : plural(document.training.epochs, 'epoch')} a round, batch ${document.training.batchSize}, ${document.training.optimizer.name} ${document.training.optimizer.learningRate}`],
    ['Aggregation', `${document.aggregation.rule}, f ${document.aggregation.f}, degree ${document.topology.degree}`],
    ['Privacy', promiseText(document.privacy)],
    ['Codec', document.codec.name],
    ['Backend', `${given.backend}, ${plural(given.threads, 'thread')} a peer`],
    ['Federation', given.federation.id],
    ['Machine', `Grapevine ${versions.grapevine}, Node ${versions.node}, ${versions.platform}, ${plural(versions.cores, 'core')}`]
  ]
  return element('section', {}, element('h2', {}, 'Configuration'),
    element('dl', { class: 'facts' }, ...list.flatMap(([name, value]) => [element('dt', {}, text(name)), element('dd', {}, text(value))])),
    element('details', {}, element('summary', {}, 'The federation document'), element('pre', {}, text(JSON.stringify(document, null, 2)))))
}
