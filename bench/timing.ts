/**
 * Times tasks against each other: in turn, so that all of them meet the same noise of the machine
 */
import { median } from '../src/aggregators/median.ts'

/** Median milliseconds of each task; one untimed run, then `samples` rounds of all tasks in turn */
export function medianMs (tasks: Record<string, () => unknown>, samples: number): Record<string, number> {
  const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, [] as number[]]))
  for (let sample = -1; sample < samples; sample++) {
    for (const [name, task] of Object.entries(tasks)) {
      const start = performance.now()
      task()
      if (sample >= 0) {
        times[name]!.push(performance.now() - start)
      }
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))
}
