/**
 * The version in this package's package.json, from the source tree as well as from the build
 */
import { readFileSync } from 'node:fs'

/** `unknown` when the file is not where it was packed */
export function packageVersion (): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const content = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { name?: unknown, version?: unknown }
      if (content.name === 'grapevine' && typeof content.version === 'string') {
        return content.version
      }
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw err
      }
    }
  }
  return 'unknown'
}
