/**
 * How far apart the final models are, read from the stores that the peers left
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { consensusDistance } from '../src/aggregators/consensus.ts'
import { createLevelStore } from '../src/store/level-store.ts'
import { systemClock } from '../src/system-clock.ts'

export interface FinalConsensus {
  /** Null when fewer than two models could be read */
  distance: number | null
  /** Stores that could not be read, one line each */
  problems: string[]
}

/**
 * Parameters that `grapevine export latest` would give of a home that no process uses any more; undefined when it has
 * none
 */
async function latestParameters (home: string): Promise<Float32Array | undefined> {
  const location = join(home, 'db')
  // opening would create it
  if (!await stat(location).then((entry) => entry.isDirectory(), () => false)) {
    return undefined
  }
  const store = createLevelStore({ location, clock: systemClock })
  await store.open()
  try {
    const latest = await store.get('latest')
    return latest === undefined ? undefined : await store.parameters(latest.id)
  } finally {
    await store.close()
  }
}

/** sqrt(mean |x_i - mean x|^2) over these homes. A store that cannot be read is told of, not thrown */
export async function finalConsensusDistance (homes: readonly string[]): Promise<FinalConsensus> {
  const models: Float32Array[] = []
  const problems: string[] = []
  for (const home of homes) {
    try {
      const parameters = await latestParameters(home)
      if (parameters === undefined) {
        problems.push(`${home} holds no model version: it is left out of the consensus distance`)
      } else {
        models.push(parameters)
      }
    } catch (err) {
      problems.push(`${home} cannot be read: ${(err as Error).message}`)
    }
  }
  return { distance: models.length < 2 ? null : consensusDistance(models), problems }
}
