/**
 * `grapevine export VERSION TARGET`: a version as a TensorFlow.js LayersModel, an ONNX or a safetensors file
 */
import { stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { federationName } from '../federation-name.ts'
import { formatVersion } from '../format.ts'
import { noteNewer, openHome } from '../home-reader.ts'
import { recordInLog } from '../record-in-log.ts'
import { chooseModel } from '../version-choice.ts'
import { WholeFile } from '../whole-file.ts'
import { StoreWriteError } from '../../src/errors.ts'
import type { VerbContext } from '../context.ts'
import type { Settings } from '../settings.ts'
import type { CompleteVersion } from '../version-choice.ts'

type Format = NonNullable<Settings['format']>

const EXTENSIONS: Readonly<Record<string, Format>> = { '.onnx': 'onnx', '.safetensors': 'safetensors' }

interface Writer {
  write: (target: string, chosen: CompleteVersion) => Promise<void>
  /** How to go on */
  next: (target: string) => string
}

const WRITERS: Readonly<Record<Format, Writer>> = {
  tfjs: {
    write: async (directory, { document, parameters, weights }) => {
      const { exportLayersModel } = await import('../../src/model/export.ts')
      await exportLayersModel({ document, parameters, weights, directory })
    },
    next: (target) => `load it with tf.loadLayersModel('file://${target}/model.json')`
  },
  onnx: {
    write: async (target, chosen) => {
      const { encodeOnnx } = await import('../../src/model/onnx/encode-onnx.ts')
      await writeNew(target, encodeOnnx({ ...chosen, metadata: await metadataOf(chosen) }))
    },
    next: (target) => `load it with onnxruntime.InferenceSession('${target}'): it takes what the data hold, and prepares it itself, but for texts, of which it takes tokens`
  },
  safetensors: {
    write: async (target, chosen) => {
      const { encodeSafetensors } = await import('../../src/model/safetensors.ts')
      await writeNew(target, encodeSafetensors({ ...chosen, metadata: await metadataOf(chosen) }))
    },
    next: (target) => `load it with safetensors.numpy.load_file('${target}'): weights only, inputs must be prepared as the metadata say`
  }
}

export async function exportVersion ({ home, terminal, args, settings }: VerbContext): Promise<number> {
  const [selector, target] = args
  const path = resolve(target!)
  const format = settings.format ?? EXTENSIONS[extname(path).toLowerCase()] ?? 'tfjs'
  const reader = await openHome(home)
  try {
    const chosen = await chooseModel(reader, selector!, { home, terminal })
    const { version } = chosen
    await WRITERS[format].write(path, chosen)
    await recordInLog(home, terminal, 'export', { version: version.id, round: version.round, format })
    terminal.event('export', { version: version.id, round: version.round, mixed: version.mixed, directory: path, format, parameterCount: version.parameterCount })
    terminal.line(`wrote ${formatVersion(version)} to ${path}`)
    await noteNewer(reader, version, terminal)
    terminal.note(WRITERS[format].next(path))
    return 0
  } finally {
    await reader.close()
  }
}

async function metadataOf ({ version, document }: CompleteVersion): Promise<Record<string, string>> {
  const { id } = await federationName(document)
  return { federation_id: id, version: version.id, round: String(version.round), mixed: String(version.mixed) }
}

/** Throws StoreWriteError; what is there stays */
async function writeNew (target: string, bytes: Uint8Array): Promise<void> {
  const found = await stat(target).catch(() => undefined)
  if (found?.isFile() === true) {
    throw new StoreWriteError(`${target} is there already; name a new file`, { reason: 'folder-taken' })
  }
  const file = await WholeFile.create(target)
  try {
    await file.write(bytes)
    await file.finish()
  } finally {
    await file.discard()
  }
}
