/**
 * Folders and tables of texts for tests
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Model, TextInput } from '../../../src/data/examples.ts'

/** A fresh folder with these files, by their paths below it */
export async function folderWith (files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'grapevine-texts-'))
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  }
  return folder
}

/** A file of this name in a fresh folder */
export async function fileWith (name: string, content: string | Uint8Array): Promise<string> {
  return join(await folderWith({ [name]: content }), name)
}

export function textModel (input: Partial<TextInput> = {}, labels: readonly string[] = ['bad', 'good']): Model {
  return { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'text', length: 8, tokens: input.vocabulary === undefined ? 'bytes' : 'words', ...input }, labels: [...labels] }
}
