/**
 * What attacks on the data do to them, and how often a trigger works
 */
import { withTrigger } from '../../src/data/poison.ts'
import { selectExamples } from '../../src/data/select-examples.ts'
import type { Examples } from '../../src/data/examples.ts'
import type { Poison } from '../../src/data/poison.ts'
import type { LaboratoryAttack } from './attack-name.ts'

/** Undefined for an attack that leaves the data alone */
export function poisonOf ({ name }: LaboratoryAttack): Poison | undefined {
  switch (name) {
    case 'label-flip': return { kind: 'label-flip' }
    case 'backdoor':
    case 'backdoor-boosted': return { kind: 'backdoor', share: 0.5 }
    default: return undefined
  }
}

/** Images of all classes but the first, with the trigger, that count as right when they are taken for the first */
export function triggered (test: Examples, shape: readonly number[]): Examples {
  const others = Uint32Array.from([...test.labels.keys()].filter((index) => test.labels[index] !== 0))
  return withTrigger(selectExamples(test, others), shape, () => true, 0)
}
