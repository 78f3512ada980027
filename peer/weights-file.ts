/**
 * Weights from a file that another program wrote: safetensors, or a model that TensorFlow.js saved
 */
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigurationError, UsageError } from './errors.ts'
import { foreignKind } from '../src/data/foreign-file.ts'
import { MAX_WEIGHTS_BYTES } from '../src/limits.ts'
import type { Settings } from './settings.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** As float64, with a header */
const MAX_FILE_BYTES = 2 * MAX_WEIGHTS_BYTES + 16_777_216
const HEAD_BYTES = 512

const HOW = 'write them as safetensors (safetensors.numpy.save_file({w.path: w.numpy() for w in model.weights}, FILE) with Keras), or save the model with TensorFlow.js'

/**
 * The tensors of a safetensors file, of a `model.json` with its files, or of a folder with one, as a safetensors file
 *
 * Throws ConfigurationError (missing, too large, another format, each with what to do), WeightsError for tensors that
 * cannot be read
 */
export async function readWeightsFile (path: string): Promise<Uint8Array> {
  const file = (await statOf(path)).isDirectory() ? join(path, 'model.json') : path
  const { size } = await statOf(file)
  if (size > MAX_FILE_BYTES) {
    throw new ConfigurationError(`${file} has ${size} bytes: weights may have ${MAX_WEIGHTS_BYTES} as float32`)
  }
  const head = await headOf(file)
  if (isSafetensors(head, Number(size))) {
    return await readFile(file)
  }
  if (/^(\xef\xbb\xbf)?\s*\{/.test(head.toString('latin1'))) {
    const { tfjsTensors } = await import('./tfjs-weights.ts')
    const { encodeTensors } = await import('../src/model/safetensors-file.ts')
    return encodeTensors(await tfjsTensors(file, parsed(file, await readFile(file, 'utf8'))))
  }
  const kind = foreignKind(head)
  if (kind !== undefined) {
    throw new ConfigurationError(`${file} is ${kind.startsWith('an Excel') ? 'a ZIP archive, as .keras and .pt files are' : kind}, from which weights are not read: ${HOW}`)
  }
  return await readFile(file)
}

/**
 * The length of its header may look like a brace or a blank, which begin JSON; eight characters of text are no such
 * length
 */
function isSafetensors (head: Buffer, size: number): boolean {
  return head.byteLength > 8 && head.readBigUInt64LE() <= BigInt(size - 8) && head[8] === 0x7b
}

async function statOf (path: string): ReturnType<typeof stat> {
  return guarded(path, async () => stat(path))
}

async function headOf (path: string): Promise<Buffer> {
  return guarded(path, async () => {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  })
}

async function guarded<T> (path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    throw new ConfigurationError(`cannot read the weights ${path}: ${code === 'ENOENT' ? 'there is no such file' : message}`, { cause: err })
  }
}

function parsed (file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (err) {
    throw new ConfigurationError(`${file} is not JSON: ${(err as Error).message}`, { cause: err })
  }
}

/** What is wrong with weights is told with their file in front */
export async function namingWeights<T> (path: string | undefined, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    if (path !== undefined && err instanceof Error && err.name === 'WeightsError') {
      err.message = `${path}: ${err.message}`
    }
    throw err
  }
}

/**
 * The canonical weights that a new peer brings along; undefined for a document that starts from a seed
 *
 * Throws WeightsError (missing, others, unfit), ConfigurationError for the file, UsageError where the document asks for
 * none
 */
export async function givenWeights ({ model }: FederationDocument, { weights: path }: Settings): Promise<Uint8Array | undefined> {
  if (model.weights === undefined && path !== undefined) {
    throw new UsageError('--weights brings weights along, and this federation starts from a seed: leave it out')
  }
  const { requireWeights } = await import('../src/model/initial-weights.ts')
  const file = path === undefined ? undefined : await readWeightsFile(path)
  return namingWeights(path, () => requireWeights(model, file))
}

/**
 * What `start` and `join` hand to the node: of a new peer the weights that its document asks for; for one that has a
 * home a file that is given once more, which the node compares with its document
 *
 * Throws as the two above
 */
export async function broughtWeights (newPeers: FederationDocument | undefined, settings: Settings): Promise<Uint8Array | undefined> {
  if (newPeers !== undefined) {
    return givenWeights(newPeers, settings)
  }
  return settings.weights === undefined ? undefined : readWeightsFile(settings.weights)
}
