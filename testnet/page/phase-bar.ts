/**
 * Where the time of a round goes: one bar, a part for each phase
 */
import { element, figure, text } from './markup.ts'
import { milliseconds, percent } from '../format.ts'
import type { PhaseTimes } from '../../src/round/round-events.ts'

const WIDTH = 720
const BAR_HEIGHT = 34

const PHASE_NAMES: ReadonlyArray<readonly [keyof PhaseTimes, string]> = [
  ['trainMs', 'train'], ['encodeMs', 'encode'], ['publishMs', 'publish'], ['waitMs', 'wait'], ['aggregateMs', 'aggregate'], ['evaluateMs', 'evaluate'], ['persistMs', 'persist']
]

/** The bar alone; its legend is a list in the page, so that it wraps on a narrow screen */
export function phaseBar (phases: PhaseTimes): string {
  const total = PHASE_NAMES.reduce((sum, [key]) => sum + phases[key], 0)
  let x = 0
  const parts = PHASE_NAMES.map(([key, name]) => {
    const width = total === 0 ? 0 : WIDTH * phases[key] / total
    const part = element('rect', { class: `phase ${name}`, x, y: 0, width, height: BAR_HEIGHT }, element('title', {}, text(`${name}: ${milliseconds(phases[key])}`)))
    x += width
    return part
  })
  const spoken = PHASE_NAMES.map(([key, name]) => `${name} ${milliseconds(phases[key])}`).join(', ')
  return figure({ id: 'phases', title: 'Where the time of a round goes', description: `Mean of all honest peers and rounds: ${spoken}.`, width: WIDTH, height: BAR_HEIGHT }, ...parts)
}

export function phaseLegend (phases: PhaseTimes): string {
  const total = PHASE_NAMES.reduce((sum, [key]) => sum + phases[key], 0)
  return element('ul', { class: 'legend' }, ...PHASE_NAMES.map(([key, name]) => element('li', {},
    element('span', { class: `swatch ${name}`, 'aria-hidden': 'true' }),
    text(`${name} ${milliseconds(phases[key])} (${percent(total === 0 ? 0 : phases[key] / total)})`))))
}
