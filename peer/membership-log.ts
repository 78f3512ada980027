/**
 * What a node says of membership: who asks, what is decided, and what whoever joins has to trust
 */
import { formatCount, shortId } from './format.ts'
import { summaryOf } from './control/governance-pages.ts'
import { actText, countOf, decidingText, decisionLine, nameText, STANDINGS } from './membership-text.ts'
import type { GrapevineNode } from '../src/node/node-interface.ts'
import type { Terminal } from './terminal.ts'

/** Newest decisions that are shown to whoever joins */
const MAX_DECISIONS = 20

/** In JSON mode the events themselves are lines already: see node-log.ts */
export function logMembership (node: GrapevineNode, terminal: Terminal): void {
  node.addEventListener('joined', ({ detail: { how, federation } }) => {
    if (how === 'joined') {
      tellTrust(node, federation, terminal)
    }
  })
  if (!terminal.json) {
    narrate(node, terminal)
  }
}

function narrate (node: GrapevineNode, terminal: Terminal): void {
  node.addEventListener('admission:waiting', ({ detail: { peer, federation, address } }) => {
    terminal.note(`asked to be admitted, at ${address}`)
    terminal.note(`  this peer:  ${peer}`)
    terminal.note(`  federation: ${federation ?? 'told to members only'}`)
    terminal.note('People decide. Compare the two by voice with somebody there, who then types:')
    terminal.note(`  ${terminal.style('bold', `grapevine members approve ${peer}`)}`)
    terminal.note('waiting; Ctrl-C ends it, and the same command goes on waiting')
  })
  node.addEventListener('governance:request', ({ detail: { peer, name } }) => {
    terminal.note(`${peer}${nameText(name)} asks to be admitted: grapevine members approve ${peer.slice(-8)}, once you know that it is who it says`)
  })
  node.addEventListener('governance:admission', ({ detail: { peer, jti, name } }) => {
    terminal.note(`${peer} redeemed invitation ${jti.slice(0, 8)}${nameText(name)} and is a member; if you did not expect it: grapevine members revoke ${peer.slice(-8)}`)
  })
  node.addEventListener('governance:act', ({ detail: { act, actId, missing } }) => {
    terminal.note(`proposed: ${actText(act)}, ${missing === 0 ? 'approved, waiting for the agreement' : `${countOf(missing, 'approval')} missing (grapevine members approve ${actId.slice(0, 12)})`}`)
  })
  node.addEventListener('governance:decision', ({ detail: { act, slot } }) => {
    terminal.note(`decided (${slot}): ${actText(act)}`)
  })
  node.addEventListener('governance:standing', ({ detail: { standing } }) => {
    if (standing === 'member') {
      terminal.note('this peer is a member')
    } else {
      terminal.warn(STANDINGS[standing])
    }
  })
}

/** What a newcomer took on the word of whoever let it in: everything else follows from it and proves itself */
function tellTrust (node: GrapevineNode, federation: string, terminal: Terminal): void {
  const governance = node.governance()
  const founders = node.federation()?.membership?.voters ?? []
  if (governance === undefined) {
    return
  }
  const decisions = governance.decisions().map(summaryOf)
  terminal.event('trust', { federation, founders: founders.map(({ peer }) => peer), decisions })
  if (terminal.json) {
    return
  }
  terminal.note('What you trust from here on, and can compare with others by voice:')
  terminal.note(`  the federation: ${federation}`)
  terminal.note(`  its founders, ${decidingText(founders.length)}: ${founders.map(({ peer }) => peer).join(', ')}`)
  terminal.note(decisions.length === 0 ? '  no decision since' : `  ${countOf(decisions.length, 'decision')} since, each signed by enough of those who were voters then:`)
  if (decisions.length > MAX_DECISIONS) {
    terminal.note(`    ${formatCount(decisions.length - MAX_DECISIONS)} earlier ones: grapevine members log`)
  }
  decisions.slice(-MAX_DECISIONS).forEach((decision) => { terminal.note(`    ${decisionLine(decision)}`) })
  terminal.note(`  this peer is ${shortId(governance.status().self)}, a ${governance.status().role ?? 'stranger'}`)
}
