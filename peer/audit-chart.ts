/**
 * The ROC curves of an audit beside the cap, as a picture of its own: SVG on logarithmic axes
 *
 * Logarithmic, because what counts is whom the attack is sure of (Carlini et al. 2022): linear axes hide the corner.
 */
import { claimedEpsilon, claimedProfile } from '../src/audit/audit-report.ts'
import { rocCorners } from '../src/audit/membership.ts'
import { profileRateCap } from '../src/audit/privacy-profile.ts'
import { formatEpsilon } from './privacy-text.ts'
import type { AuditReport } from '../src/audit/audit-report.ts'
import type { MembershipReport, RocPoint } from '../src/audit/membership.ts'

const SIZE = 420
const LEFT = 72
const TOP = 44
const WIDTH = 730
const HEIGHT = TOP + SIZE + 56

/** Points of a curve that is straight on linear axes only */
const CURVE_POINTS = 120

interface Rates { falsePositiveRate: number, truePositiveRate: number }

interface Curve {
  name: string
  kind: 'loss' | 'lira' | 'canaries'
  report: MembershipReport
}

/** Okabe and Ito's colours, which the colour-blind can tell apart; dashes for whoever sees none */
const STYLE = `
svg { background: #fff; font: 14px system-ui, sans-serif }
text { fill: #1b1f24 } .soft { fill: #57606a; font-size: 13px } .title { font-size: 16px; font-weight: 600 }
.grid { stroke: #d0d7de } .axis { stroke: #57606a; fill: none } .excluded { fill: #c04a00; fill-opacity: .1 }
path { fill: none; stroke-width: 2.5; stroke-linejoin: round }
.cap { stroke: #c04a00; stroke-width: 3 } .coin { stroke: #8c959f; stroke-width: 1.5; stroke-dasharray: 3 4 }
.loss { stroke: #0067a3 } .lira { stroke: #00755a; stroke-dasharray: 9 4 } .canaries { stroke: #a3417a; stroke-dasharray: 2 3 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117 } text { fill: #e6edf3 } .soft { fill: #9da7b3 } .grid { stroke: #30363d } .axis { stroke: #9da7b3 }
.excluded { fill: #f08a4b; fill-opacity: .18 } .cap { stroke: #f08a4b } .loss { stroke: #56b4e9 } .lira { stroke: #3fc79a } .canaries { stroke: #e08cba }
}`

/** Pure: equal reports give equal pictures. All text is made here: nothing needs escaping */
export function auditChart (report: AuditReport): string {
  const curves: Curve[] = [
    { name: 'Loss threshold', kind: 'loss', report: report.inference.loss },
    { name: 'LiRA', kind: 'lira', report: report.inference.likelihoodRatio },
    { name: 'Canaries, all updates', kind: 'canaries', report: report.canaries.attack }
  ]
  const decades = decadesOf(curves)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title description">`,
    '<title id="title">Membership inference: who was trained on?</title>',
    `<desc id="description">${description(report, curves)}</desc>`,
    `<style>${STYLE}</style>`,
    `<text class="title" x="${LEFT}" y="26">Membership inference: who was trained on?</text>`,
    ...axes(decades),
    ...capMarks(report, decades),
    path('coin', sampled(decades, (rate) => rate), decades),
    ...curves.map(({ kind, report: { points } }) => path(kind, resolved(points), decades)),
    ...legend(report, curves),
    '</svg>',
    ''
  ].join('\n')
}

/** Down to about one of the non-members: nothing can be measured below */
function decadesOf (curves: readonly Curve[]): number {
  const most = curves.reduce((count, { report }) => Math.max(count, report.points.at(-1)!.falsePositives), 1)
  return Math.min(6, Math.max(2, Math.round(Math.log10(most))))
}

/** From the left, bottom corner at 10^-decades; what is smaller lies on the edge */
function place (rate: number, decades: number): number {
  return SIZE * Math.max(0, 1 + Math.log10(Math.max(rate, 1e-300)) / decades)
}

function position ({ falsePositiveRate, truePositiveRate }: Rates, decades: number): string {
  return `${(LEFT + place(falsePositiveRate, decades)).toFixed(1)} ${(TOP + SIZE - place(truePositiveRate, decades)).toFixed(1)}`
}

function path (kind: string, rates: readonly Rates[], decades: number): string {
  return rates.length === 0 ? '' : `<path class="${kind}" d="M${rates.map((rate) => position(rate, decades)).join('L')}"/>`
}

/** Without the points of no false positive: on how many members they rest says nothing of a rate that small */
function resolved (points: readonly RocPoint[]): RocPoint[] {
  return rocCorners(points.filter(({ falsePositives }) => falsePositives > 0))
}

/** `of` each false positive rate that the picture shows */
function sampled (decades: number, of: (falsePositiveRate: number) => number): Rates[] {
  return Array.from({ length: CURVE_POINTS + 1 }, (_, at) => {
    const falsePositiveRate = 10 ** (decades * (at / CURVE_POINTS - 1))
    return { falsePositiveRate, truePositiveRate: of(falsePositiveRate) }
  })
}

function axes (decades: number): string[] {
  const ticks = Array.from({ length: decades + 1 }, (_, at) => {
    const rate = 10 ** (at - decades)
    const label = `${Number((100 * rate).toPrecision(1))} %`
    const x = LEFT + place(rate, decades)
    const y = TOP + SIZE - place(rate, decades)
    return `<path class="grid" style="stroke-width:1" d="M${x} ${TOP}V${TOP + SIZE}M${LEFT} ${y}H${LEFT + SIZE}"/>` +
      `<text class="soft" x="${x}" y="${TOP + SIZE + 20}" text-anchor="middle">${label}</text><text class="soft" x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${label}</text>`
  })
  const middle = TOP + SIZE / 2
  return [
    ...ticks,
    `<text class="soft" x="${LEFT + SIZE / 2}" y="${HEIGHT - 10}" text-anchor="middle">false positive rate: others who are called members</text>`,
    `<text class="soft" x="18" y="${middle}" text-anchor="middle" transform="rotate(-90 18 ${middle})">true positive rate: members who are found</text>`
  ]
}

/** What privacy excludes: no attack gets above the line, but for the scatter of a sample */
function capMarks ({ claim }: AuditReport, decades: number): string[] {
  if (claim === null) {
    return []
  }
  const profile = claimedProfile(claim)
  const cap = sampled(decades, (rate) => profileRateCap(rate, profile))
  const corner = { falsePositiveRate: 0, truePositiveRate: 1 }
  return [`<path class="excluded" d="M${[corner, ...cap].map((rate) => position(rate, decades)).join('L')}Z"/>`, path('cap', cap, decades)]
}

function legend ({ claim, caps }: AuditReport, curves: readonly Curve[]): string[] {
  const cap = claim === null ? [] : [['cap', `Cap, epsilon ${formatEpsilon(claimedEpsilon(claim))}`, `AUC ${caps.auc.toFixed(3)}, whole profile`]]
  const none = claim === null ? [['', 'No cap', 'Nothing is promised']] : []
  const rows = [...cap, ...none, ...curves.map(({ kind, name, report: { auc } }) => [kind, name, `AUC ${auc.toFixed(3)}`]), ['coin', 'Guessing', 'AUC 0.5']]
  const x = LEFT + SIZE + 24
  return rows.map(([kind, name, more], index) => {
    const y = TOP + 12 + 48 * index
    return `${kind === '' ? '' : `<path class="${kind}" d="M${x} ${y}h28"/>`}<text x="${x + 36}" y="${y + 5}">${name}</text><text class="soft" x="${x + 36}" y="${y + 23}">${more}</text>`
  })
}

function description ({ claim }: AuditReport, curves: readonly Curve[]): string {
  const cap = claim === null ? 'Nothing is promised.' : `Privacy with epsilon ${formatEpsilon(claimedEpsilon(claim))} and delta ${claim.delta} caps every attack, by its whole privacy profile: delta at every epsilon.`
  return `ROC curves on logarithmic axes. ${cap} Areas under the curves: ${curves.map(({ name, report }) => `${name} ${report.auc.toFixed(3)}`).join(', ')}.`
}
