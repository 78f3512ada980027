/**
 * The folder of `--report`: made before the testnet runs, filled after it
 */
import { access, constants, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../src/make-folder.ts'
import { FolderError } from './errors.ts'
import { renderPage } from './page/page.ts'
import type { TestnetReport } from './interface.ts'

/** Half an hour of training is not to end with a report that has no place. Throws FolderError */
export async function makeReportFolder (folder: string): Promise<void> {
  try {
    await makeFolder(folder)
    await access(folder, constants.W_OK)
  } catch (err) {
    throw new FolderError(`the report cannot be written to ${folder}: ${(err as Error).message}`, { cause: err })
  }
}

/** report.json and report.html, each as a whole or not at all. Returns the page's path. Throws FolderError */
export async function writeReport (folder: string, report: TestnetReport): Promise<string> {
  const page = join(folder, 'report.html')
  await writeWhole(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  await writeWhole(page, renderPage(report))
  return page
}

async function writeWhole (path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  try {
    await writeFile(draft, text)
    await rename(draft, path)
  } catch (err) {
    await rm(draft, { force: true })
    throw new FolderError(`${path} cannot be written: ${(err as Error).message}`, { cause: err })
  }
}
