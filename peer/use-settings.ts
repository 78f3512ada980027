/**
 * Settings of the verbs that use a model, or write a file: a part of the table of settings
 */
import { filePath, FLAG_ONLY, text } from './setting.ts'
import type { Setting, Z } from './setting.ts'

export const USE_SETTINGS = {
  output: {
    schema: text,
    expects: 'a file',
    value: 'FILE',
    verbs: ['predict', 'card', 'schema', 'invite', 'log'],
    sources: FLAG_ONLY,
    path: filePath,
    shownDefault: 'standard output',
    help: 'write the answer to this file: all of it, or nothing',
    helpFor: { schema: 'write here, for you only, in place of the screen', invite: 'write the token to this file, for you only, in place of the screen', log: 'write the copy to this file: all of it, or nothing' }
  },
  format: {
    schema: (z: Z) => z.enum(['tfjs', 'onnx', 'safetensors']),
    expects: 'tfjs, onnx or safetensors',
    value: 'NAME',
    verbs: ['export'],
    sources: FLAG_ONLY,
    shownDefault: 'by the extension .onnx or .safetensors, else tfjs',
    help: 'what to write: a LayersModel folder, an ONNX file that prepares its inputs itself, or weights alone'
  },
  version: {
    schema: text,
    expects: 'a version: an id, a round, latest or newest',
    value: 'VERSION',
    verbs: ['predict'],
    sources: FLAG_ONLY,
    shownDefault: 'latest',
    help: 'predict with this version'
  }
} as const satisfies Record<string, Setting>
