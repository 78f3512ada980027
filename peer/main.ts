#!/usr/bin/env node
/**
 * The `grapevine` program: checks Node's version, then loads the rest
 *
 * This file must be readable by a Node far older than the one it asks for: no static imports, no syntax after 2017.
 */
import type * as Cli from './cli.ts'

const REQUIRED_MAJOR = 20
const REQUIRED_MINOR = 19
const EXIT_INCOMPATIBLE = 7
const EXIT_STORAGE = 9

const found = process.versions.node
const parts = found.split('.').map(Number)
const major = parts[0] as number
const minor = parts[1] as number

if (major < REQUIRED_MAJOR || (major === REQUIRED_MAJOR && minor < REQUIRED_MINOR)) {
  process.stderr.write('error GRAPEVINE_E_NODE_TOO_OLD: found Node ' + found + ' at ' + process.execPath + ', need ' +
    REQUIRED_MAJOR + '.' + REQUIRED_MINOR + ' or newer. Install it from https://nodejs.org or with your package manager\n')
  process.exitCode = EXIT_INCOMPATIBLE
} else {
  import('../src/bundle.ts').then(function (bundle) {
    return bundle.isBundled()
  }).then(function (isBundled): Promise<typeof Cli> {
    // never both: a class would be there twice
    // @ts-expect-error -- the build writes it, and there is none beside the sources
    return isBundled ? import('../program/peer.js') : import('./cli.ts')
  }).then(function (cli) {
    return cli.main(process.argv.slice(2))
  }, function (err) {
    if (/^E[MN]FILE/.test(String((err as Error).message))) {
      process.stderr.write('error GRAPEVINE_E_TOO_MANY_FILES: ' + (err as Error).message + '. Let this process open more files (ulimit -n)\n')
      process.exitCode = EXIT_STORAGE
      return
    }
    process.stderr.write('error GRAPEVINE_E_UNEXPECTED: the program could not be loaded: ' + (err as Error).message + '. Install it again\n')
    process.exitCode = 1
  })
}
