/**
 * Gradient tracking as a handed-in algorithm: a second vector that is mixed like the model, and state that survives
 *
 * x <- W(x - eta y), y <- W y + g - g_before (Nedic, Olshevsky, Shi 2017, in its adapt-then-combine form), and with several
 * local steps the correction of K-GT (Liu et al. 2024): constant steps lead to the minimum of all peers' objectives together,
 * where averaging alone ends beside it when their data differ. What one peer mixes and the other does not (a late start,
 * a kill) leaks from the sum of the trackers for ever, so all begin anew now and then, in the same round.
 *
 * Plain JavaScript, so that a process of its own can run it: what the library exports is all that it imports.
 */
import { denseTopology, learningRateOf, parseFederation, presetDocument } from '../../dist/src/index.js'

/** Rounds after which the trackers begin anew */
const PERIOD = 25

const bytesOf = (...vectors) => new Uint8Array(Float32Array.from(vectors.flatMap((vector) => [...vector])).buffer)

export function gradientTracking ({ document: { training: { optimizer } }, parameterCount: size }) {
  if (optimizer.name !== 'sgd' || optimizer.momentum !== 0) {
    throw new RangeError('gradient tracking takes plain steps: a momentum would follow the tracker twice')
  }
  // what the own tracker has become, and the own gradient that is in it. Both also hold over a jump: the sum of all
  // trackers stays the sum of all gradients, whatever model they were computed at
  let tracker = new Float32Array(size)
  let gradient = new Float32Array(size)
  return {
    name: 'gradient-tracking',
    vectors: [{ name: 'model', rule: 'robust' }, { name: 'tracker', rule: 'robust' }],
    correction: (round) => {
      if (round % PERIOD === 1) {
        tracker = new Float32Array(size)
        gradient = new Float32Array(size)
      }
      return tracker.map((value, i) => value - gradient[i])
    },
    outgoing: ({ round, before, after, steps, scale }) => {
      const length = learningRateOf(optimizer, round) * steps * scale
      // nothing was trained, or the learning rate has come down to zero
      if (length > 0) {
        const followed = before.map((value, i) => (value - after[i]) / length)
        gradient = followed.map((value, i) => value - tracker[i] + gradient[i])
        tracker = followed
      }
      return [after, tracker]
    },
    current: (model) => [model, tracker],
    mixed: ([model, mixed]) => {
      tracker = mixed
      return model
    },
    reset: () => {},
    state: () => bytesOf(tracker, gradient),
    restore: (bytes) => {
      const isOwn = bytes.byteLength === 8 * size
      if (isOwn) {
        const values = new Float32Array(bytes.slice().buffer)
        tracker = values.slice(0, size)
        gradient = values.slice(size)
      }
      return isOwn
    }
  }
}

/** Peers whose optima and curvatures differ, f_i(x) = a_i/2 |x - t_i|^2: several local steps lead averaging elsewhere */
export const CURVATURES = [1, 4, 2]
/** Small: a model of 7,850 times this is one that the norm gate takes from a start at zero */
export const TARGETS = [0.1, -0.05, 0.025]
export const LEARNING_RATE = 0.04
const STEPS = 5

/** Where the sum of all f_i is least */
export const OPTIMUM = CURVATURES.reduce((sum, a, i) => sum + a * TARGETS[i], 0) / CURVATURES.reduce((sum, a) => sum + a, 0)

/** Exact gradient steps of peer `index` */
export function quadraticTrainer (index, { parameterCount, layout }) {
  const [curvature, target] = [CURVATURES[index], TARGETS[index]]
  return {
    start: async () => ({ backend: 'cpu', stepMs: {}, unavailable: {}, layout, parameterCount, trainExamples: 100, testExamples: 10 }),
    stop: async () => {},
    initialParameters: async () => new Float32Array(parameterCount),
    train: async (parameters, { correction } = {}) => {
      const trained = parameters.slice()
      for (let step = 0; step < STEPS; step++) {
        for (let i = 0; i < trained.length; i++) {
          trained[i] -= LEARNING_RATE * (curvature * (trained[i] - target) + (correction?.[i] ?? 0))
        }
      }
      return { parameters: trained, loss: 1, examples: 100, steps: STEPS }
    },
    evaluate: async (parameters) => ({ loss: Math.abs(parameters[0] - OPTIMUM), accuracy: 0, examples: 10 }),
    sampleLoss: async () => 0
  }
}

const preset = presetDocument('digits')

/** Of three such peers */
export const federation = parseFederation({
  ...preset,
  model: { ...preset.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: 10 }) },
  training: { batchSize: 16, steps: STEPS, optimizer: { name: 'sgd', learningRate: LEARNING_RATE, momentum: 0 } },
  aggregation: { rule: 'mean', f: 0 },
  codec: { name: 'float32' }
})
