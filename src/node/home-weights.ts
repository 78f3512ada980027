/**
 * The weights that a federation starts from, as a file of the home: what a member needs, and may hand to others
 */
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreWriteError, WeightsError } from '../errors.ts'
import { requireWeights } from '../model/initial-weights.ts'
import type { FederationDocument } from '../federation/document.ts'

export const WEIGHTS_FILE = 'weights.safetensors'

type Model = FederationDocument['model']

/** Where a node keeps them */
export interface WeightsKeeper {
  /** Undefined when there is none */
  read: (home: string) => Promise<Uint8Array | undefined>
  /** Whole or not at all. Throws StoreWriteError */
  keep: (home: string, bytes: Uint8Array) => Promise<void>
}

export const weightsFile: WeightsKeeper = {
  read: async (home) => {
    const path = join(home, WEIGHTS_FILE)
    try {
      return await readFile(path)
    } catch (err) {
      const { code, message } = err as NodeJS.ErrnoException
      if (code === 'ENOENT') {
        return undefined
      }
      throw new WeightsError(`${path} cannot be read (${code ?? message}): check its owner and permissions`, 'damaged', { cause: err })
    }
  },
  keep: async (home, bytes) => {
    const path = join(home, WEIGHTS_FILE)
    const draft = `${path}.new`
    try {
      await writeSynced(draft, bytes)
      await rename(draft, path)
    } catch (err) {
      // on a full disk the draft is in the way of what would make room
      await rm(draft, { force: true })
      throw new StoreWriteError(`cannot write the weights to ${path}: ${(err as Error).message}`, { cause: err })
    }
  }
}

async function writeSynced (path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * The canonical weights of a document, from the home; undefined for a document without `model.weights`
 *
 * Throws WeightsError: `missing`, or `damaged` when the home's file is not what was put there
 */
export async function homeWeights (home: string, model: Model, keeper: WeightsKeeper = weightsFile): Promise<Uint8Array | undefined> {
  if (model.weights === undefined) {
    return undefined
  }
  const path = join(home, WEIGHTS_FILE)
  const { sha256, bytes: size } = model.weights
  const kept = await keeper.read(home)
  if (kept === undefined) {
    throw new WeightsError(`${path} is not there: this federation starts from weights that no peer sends, of SHA-256 ${sha256} (${size} bytes); ask its founder for that file, and give it with --weights FILE`, 'missing')
  }
  try {
    return requireWeights(model, kept)
  } catch (err) {
    throw new WeightsError(`${path} is damaged (${(err as Error).message}): put a copy of it back, or give one with --weights FILE`, 'damaged', { cause: err })
  }
}

/**
 * The weights of a member: those that were given, kept from now on, or else those of the home
 *
 * Throws as `homeWeights`, and WeightsError for given ones that are not the document's
 */
export async function membersWeights (home: string, model: Model, given: Uint8Array | undefined, keeper: WeightsKeeper): Promise<Uint8Array | undefined> {
  if (given === undefined) {
    return homeWeights(home, model, keeper)
  }
  const bytes = requireWeights(model, given)
  if (bytes === undefined) {
    throw new WeightsError('weights were given, but the federation document has no model.weights: leave them out', 'unfit')
  }
  await keeper.keep(home, bytes)
  return bytes
}
