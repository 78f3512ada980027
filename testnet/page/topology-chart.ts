/**
 * Who mixes with whom: the peers on a circle, an edge for each pair of neighbours
 */
import { element, figure, text } from './markup.ts'
import type { ReportPeer } from '../interface.ts'

const SIZE = 400
const RADIUS = 155

interface Place {
  peer: ReportPeer
  x: number
  y: number
}

/** Each pair of neighbours once, in the order of the peers; a peer that was gone by then has no say */
export function edgesOf (peers: readonly ReportPeer[]): Array<[ReportPeer, ReportPeer]> {
  const edges: Array<[ReportPeer, ReportPeer]> = []
  for (const [index, a] of peers.entries()) {
    for (const b of peers.slice(index + 1)) {
      if (names(a, b) || names(b, a)) {
        edges.push([a, b])
      }
    }
  }
  return edges
}

function names (a: ReportPeer, b: ReportPeer): boolean {
  return a.state === 'finished' && a.neighbours.includes(b.name)
}

/** At the end: an honest peer whose budget was spent */
export function observes (peer: ReportPeer): boolean {
  return peer.byzantine === false && peer.state === 'finished' && peer.exhaustedAtRound !== null
}

function node ({ peer, x, y }: Place, nodeRadius: number): string {
  const attacker = peer.byzantine !== false
  const shape = attacker
    ? element('rect', { x: x - nodeRadius, y: y - nodeRadius, width: 2 * nodeRadius, height: 2 * nodeRadius, transform: `rotate(45 ${x.toFixed(2)} ${y.toFixed(2)})` })
    : element('circle', { cx: x, cy: y, r: nodeRadius })
  const role = attacker ? `attacker (${String(peer.byzantine)})` : observes(peer) ? `observes from round ${peer.exhaustedAtRound}` : peer.state
  return element('g', { class: `node ${attacker ? 'attacker' : observes(peer) ? 'observer' : peer.state}` },
    element('title', {}, text(`${peer.name}: ${role}, neighbours ${peer.neighbours.join(', ') || 'none'}`)),
    shape,
    element('text', { x, y: y + nodeRadius * 0.36, 'text-anchor': 'middle', 'font-size': nodeRadius }, text(peer.name.replace('peer-', ''))))
}

/**
 * Honest peers are discs, hollow when they only observe, attackers diamonds; a peer that was killed and stayed away is
 * dashed
 */
export function topologyChart (peers: readonly ReportPeer[]): string {
  const places = peers.map((peer, index): Place => {
    const angle = 2 * Math.PI * index / peers.length - Math.PI / 2
    return { peer, x: SIZE / 2 + RADIUS * Math.cos(angle), y: SIZE / 2 + RADIUS * Math.sin(angle) }
  })
  const placeOf = new Map(places.map((place) => [place.peer, place]))
  const edges = edgesOf(peers)
  const nodeRadius = Math.max(6, Math.min(17, RADIUS * Math.PI / Math.max(1, peers.length) * 0.8))
  return figure({
    id: 'topology',
    title: 'Topology',
    description: `${peers.length} peers and ${edges.length} pairs of neighbours at the start of the last round. The same as text is in the table of peers.`,
    width: SIZE,
    height: SIZE
  },
  ...edges.map(([a, b]) => {
    const from = placeOf.get(a)!
    const to = placeOf.get(b)!
    const kind = a.byzantine === false && b.byzantine === false ? 'edge' : 'edge attacker'
    return element('line', { class: kind, x1: from.x, y1: from.y, x2: to.x, y2: to.y })
  }),
  ...places.map((place) => node(place, nodeRadius)))
}
