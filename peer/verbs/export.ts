/**
 * `grapevine export VERSION FOLDER`: a version as a TensorFlow.js LayersModel
 */
import { resolve } from 'node:path'
import { formatVersion } from '../format.ts'
import { noteNewer, openHome } from '../home-reader.ts'
import { chooseVersion } from '../version-choice.ts'
import type { VerbContext } from '../context.ts'

export async function exportVersion ({ home, terminal, args }: VerbContext): Promise<number> {
  const [selector, folder] = args
  const directory = resolve(folder!)
  const reader = await openHome(home)
  try {
    const { version, parameters, document } = await chooseVersion(reader, selector!, { home, terminal })
    const { exportLayersModel } = await import('../../src/model/export.ts')
    await exportLayersModel({ document, parameters, directory })
    terminal.event('export', { version: version.id, round: version.round, mixed: version.mixed, directory, parameterCount: version.parameterCount })
    terminal.line(`wrote ${formatVersion(version)} to ${directory}`)
    await noteNewer(reader, version, terminal)
    terminal.note(`load it with tf.loadLayersModel('file://${directory}/model.json')`)
    return 0
  } finally {
    await reader.close()
  }
}
