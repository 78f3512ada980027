/**
 * How often training and evaluating may fail
 */
import { describe, expect, it } from 'vitest'
import { TrainingError } from '../../src/errors.ts'
import { LocalWork } from '../../src/round/local-work.ts'

const PARAMETERS = new Float32Array(1)

/** Rounds in a row; each letter is a round: t trains, e evaluates, in capitals when it fails */
async function run (rounds: string): Promise<string[]> {
  const warned: string[] = []
  let fails = false
  const outcome = async <T> (result: T): Promise<T> => {
    if (fails) {
      throw new TrainingError('diverged')
    }
    return result
  }
  const work = new LocalWork({
    trainer: {
      train: async () => outcome({ parameters: PARAMETERS, loss: 1, examples: 1, steps: 1 }),
      evaluate: async () => outcome({ loss: 1, accuracy: 1, examples: 1 })
    },
    evaluateEvery: 1,
    lastRound: undefined,
    warn: (code) => { warned.push(code) }
  })
  for (const [index, what] of [...rounds].entries()) {
    fails = what === what.toUpperCase()
    const inHand = { round: index + 1, signal: new AbortController().signal }
    await (what.toLowerCase() === 't' ? work.train(PARAMETERS, inHand) : work.evaluate(PARAMETERS, inHand))
  }
  return warned
}

describe('local work', () => {
  it.each(['TTT', 'EEE'])('gives up after three failures in a row: %s', async (rounds) => {
    await expect(run(rounds)).rejects.toThrow(TrainingError)
  })

  it('forgives an observer, which does not train, failed evaluations that lie apart', async () => {
    expect(await run('EEeEEeE')).toHaveLength(5)
  })

  it('counts failures of training on whatever evaluating does', async () => {
    expect(await run('TETe')).toEqual(['training-failed', 'evaluation-failed', 'training-failed'])
    await expect(run('TeTeT')).rejects.toThrow(TrainingError)
  })

  it('goes on training when nothing can be evaluated', async () => {
    expect(await run('tEtEtEtE')).toHaveLength(4)
  })
})
