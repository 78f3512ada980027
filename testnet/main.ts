#!/usr/bin/env node
/**
 * The `grapevine-testnet` program: loads the rest, from one file where there is one
 */
import { isBundled } from '../src/bundle.ts'
import type * as Program from './program.ts'

// never both: a class would be there twice
const program = await isBundled()
  // @ts-expect-error -- the build writes it, and there is none beside the sources
  ? await import('../program/testnet.js') as typeof Program
  : await import('./program.ts')

process.exitCode = await program.main(process.argv.slice(2))
