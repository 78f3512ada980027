/**
 * Looks for the four MNIST files
 */
import { findIdxFiles } from '../src/data/idx-dataset.ts'
import { DatasetError } from '../src/errors.ts'

/** The first of these folders that holds them; undefined when none does */
export async function findMnist (folders: ReadonlyArray<string | undefined>): Promise<string | undefined> {
  for (const folder of folders) {
    if (folder !== undefined && folder !== '' && await holdsFiles(folder)) {
      return folder
    }
  }
  return undefined
}

async function holdsFiles (folder: string): Promise<boolean> {
  try {
    await findIdxFiles(folder)
    return true
  } catch (err) {
    if (err instanceof DatasetError) {
      return false
    }
    throw err
  }
}
