/**
 * A line chart as inline SVG: scales and paths by d3, the rest plain markup
 */
import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import { element, figure, text } from './markup.ts'
import type { ScaleLinear } from 'd3-scale'

const WIDTH = 720
const HEIGHT = 300
const LEFT = 62
const RIGHT = 104
const TOP = 30
const BOTTOM = 42
const LABEL_HEIGHT = 16
const MARK_ROWS = 3
/** More points than this and their dots would touch */
const MOST_DOTS = 40

export interface Point {
  x: number
  /** Null: nothing is drawn, the line is broken */
  y: number | null
}

export interface Series {
  name: string
  /** CSS class that gives colour, width and dashes */
  kind: 'mean' | 'peer' | 'attacker' | 'second' | 'final'
  points: readonly Point[]
  /** Written at the right end of the line */
  label?: string
  dots?: boolean
}

export interface LineChart {
  id: string
  title: string
  description: string
  xLabel: string
  yLabel: string
  series: readonly Series[]
  /** Horizontal lines to compare with */
  references?: ReadonlyArray<{ y: number, label: string }>
  /** Things that happened at a round */
  marks?: ReadonlyArray<{ x: number, label: string }>
  formatY: (value: number) => string
  /** Left out: from 0 to a little above the largest value */
  domainY?: readonly [number, number]
}

interface Scales {
  x: ScaleLinear<number, number>
  y: ScaleLinear<number, number>
}

/** Pure: equal charts give equal markup */
export function lineChart (chart: LineChart): string {
  const scales = scalesOf(chart)
  return figure({ ...chart, width: WIDTH, height: HEIGHT },
    ...axes(chart, scales),
    ...(chart.marks ?? []).map((mark, index) => markLine(mark, index, scales)),
    ...chart.series.map((series) => seriesPath(series, scales, chart.formatY)),
    ...(chart.references ?? []).map((reference) => referenceLine(reference, scales)),
    ...endLabels(chart, scales))
}

function scalesOf (chart: LineChart): Scales {
  const points = chart.series.flatMap((series) => series.points)
  const rounds = points.map((point) => point.x)
  const values = [...points.flatMap((point) => point.y ?? []), ...(chart.references ?? []).map((reference) => reference.y)]
  const top = Math.max(0, ...values)
  const first = Math.min(...rounds, Infinity)
  const last = Math.max(...rounds, -Infinity)
  // one single round stands in the middle
  const domainX = rounds.length === 0 ? [0, 1] : first === last ? [first - 1, last + 1] : [first, last]
  return {
    x: scaleLinear(domainX, [LEFT, WIDTH - RIGHT]),
    y: scaleLinear(chart.domainY ?? [0, top === 0 ? 1 : top * 1.05], [HEIGHT - BOTTOM, TOP]).nice(5)
  }
}

function axes (chart: LineChart, { x, y }: Scales): string[] {
  const right = WIDTH - RIGHT
  const bottom = HEIGHT - BOTTOM
  const yTicks = y.ticks(5).map((tick) => element('g', {},
    element('line', { class: 'grid', x1: LEFT, x2: right, y1: y(tick), y2: y(tick) }),
    element('text', { class: 'tick', x: LEFT - 8, y: y(tick) + 4, 'text-anchor': 'end' }, text(chart.formatY(tick)))))
  const rounds = new Set(chart.series.flatMap((series) => series.points.map((point) => point.x)))
  const xTicks = x.ticks(10).filter((tick) => rounds.has(tick)).map((tick) =>
    element('text', { class: 'tick', x: x(tick), y: bottom + 18, 'text-anchor': 'middle' }, text(tick)))
  return [
    ...yTicks,
    ...xTicks,
    element('line', { class: 'axis', x1: LEFT, x2: right, y1: bottom, y2: bottom }),
    element('text', { class: 'label', x: (LEFT + right) / 2, y: HEIGHT - 6, 'text-anchor': 'middle' }, text(chart.xLabel)),
    element('text', { class: 'label', x: 2, y: 13 }, text(chart.yLabel))
  ]
}

function seriesPath (series: Series, { x, y }: Scales, formatY: (value: number) => string): string {
  const path = line<Point>().defined((point) => point.y !== null).x((point) => x(point.x)).y((point) => y(point.y ?? 0))(series.points)
  const shown = series.points.filter((point) => point.y !== null)
  const withDots = series.dots === true && shown.length <= MOST_DOTS ? shown : shown.length === 1 ? shown : []
  return element('g', { class: `series ${series.kind}` },
    element('title', {}, text(series.name)),
    element('path', { d: path ?? '' }),
    ...withDots.map((point) => element('circle', { cx: x(point.x), cy: y(point.y!), r: 3.5 }, element('title', {}, text(`${series.name}, round ${point.x}: ${formatY(point.y!)}`)))))
}

function referenceLine (reference: { y: number, label: string }, { y }: Scales): string {
  return element('line', { class: 'reference', x1: LEFT, x2: WIDTH - RIGHT, y1: y(reference.y), y2: y(reference.y) }, element('title', {}, text(reference.label)))
}

/** Neighbouring labels stand on different lines; near the right end they stand to the left of their mark */
function markLine (mark: { x: number, label: string }, index: number, { x }: Scales): string {
  const at = x(mark.x)
  const isLate = at > (LEFT + WIDTH - RIGHT) * 0.65
  return element('g', { class: 'mark' },
    element('line', { x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM }),
    element('text', { class: 'tick', x: isLate ? at - 4 : at + 4, y: HEIGHT - BOTTOM - 6 - LABEL_HEIGHT * (index % MARK_ROWS), 'text-anchor': isLate ? 'end' : 'start' }, text(mark.label)))
}

/** Labels at the right end, moved apart so that none covers another */
function endLabels (chart: LineChart, { y }: Scales): string[] {
  const labels = [
    ...chart.series.flatMap((series) => {
      const last = series.points.findLast((point) => point.y !== null)
      return series.label === undefined || last === undefined ? [] : [{ kind: series.kind, at: y(last.y!), label: series.label }]
    }),
    ...(chart.references ?? []).map((reference) => ({ kind: 'alone', at: y(reference.y), label: reference.label }))
  ].sort((a, b) => a.at - b.at)
  let free = TOP
  const heights = labels.map((label) => {
    const at = Math.max(label.at + 4, free)
    free = at + LABEL_HEIGHT
    return at
  })
  // what was pushed below the axis moves up again, and what stands in its way with it
  let limit = HEIGHT - BOTTOM + 4
  for (let index = heights.length - 1; index >= 0; index--) {
    heights[index] = Math.min(heights[index]!, limit)
    limit = heights[index]! - LABEL_HEIGHT
  }
  return labels.map((label, index) => element('text', { class: `end ${label.kind}`, x: WIDTH - RIGHT + 8, y: heights[index] }, text(label.label)))
}
