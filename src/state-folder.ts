/**
 * Where a user's state lies when nobody says where
 */
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { StateFolderError } from './errors.ts'

/**
 * `$XDG_STATE_HOME`, or `~/.local/state`
 *
 * Throws StateFolderError when these do not name one folder: from a relative path every working folder would get a
 * state of its own, and one dataset as many privacy budgets
 */
export function stateFolder (environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = environment['XDG_STATE_HOME']
  if (named !== undefined && named !== '') {
    return requireAbsolute('XDG_STATE_HOME', named)
  }
  return join(requireAbsolute('HOME', environment['HOME'] === '' ? '' : homedir()), '.local', 'state')
}

function requireAbsolute (variable: string, folder: string): string {
  if (!isAbsolute(folder)) {
    throw new StateFolderError(`${variable} is ${folder === '' ? 'empty' : `the relative path ${JSON.stringify(folder)}`}: state and privacy ledgers would lie in another place for each working folder; set it to an absolute path`)
  }
  return folder
}
