/**
 * The folder of a key at every call of the file system that makes it
 */
import { vi } from 'vitest'
import { identityCrashContract } from '../../src/contracts/identity-crash.ts'
import { loadOrCreateIdentity } from '../../src/network/host/identity.ts'
import { CutFolders } from '../cut-folders.ts'
import type * as FileSystem from 'node:fs/promises'
import type { KeyOf } from '../../src/contracts/identity-crash.ts'

const points = vi.hoisted(() => ({ at: undefined as ((point: string) => Promise<void>) | undefined }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof FileSystem>()
  const isOwn = (args: unknown[]): boolean => String(args[0]).includes('identity.key')
  const around = <Args extends unknown[], Result>(name: string, call: (...args: Args) => Promise<Result>) => async (...args: Args): Promise<Result> => {
    isOwn(args) && await points.at?.(`before ${name}`)
    const result = await call(...args)
    isOwn(args) && await points.at?.(`after ${name}`)
    return result
  }
  const open = async (...args: Parameters<typeof original.open>): Promise<FileSystem.FileHandle> => {
    const handle = await around('open', original.open)(...args)
    const write = handle.writeFile.bind(handle)
    if (isOwn(args)) {
      handle.writeFile = async (...content) => {
        // as if the process were killed in the middle of it
        const bytes = content[0] as Uint8Array
        await write(bytes.subarray(0, bytes.byteLength >> 1))
        await points.at?.('in the middle of writing')
        await write(bytes.subarray(bytes.byteLength >> 1))
        await points.at?.('after writing')
      }
    }
    return handle
  }
  return { ...original, open, link: around('link', original.link), unlink: around('unlink', original.unlink) }
})

const keyIn = (folder: string): KeyOf => async () => Buffer.from((await loadOrCreateIdentity(folder)).publicKey.raw).toString('hex')

identityCrashContract('a key file', async () => {
  const cuts = await CutFolders.create(async (folder) => keyIn(folder))
  return {
    part: keyIn(cuts.folder),
    during: async (change) => {
      points.at = async (point) => cuts.copy(point)
      try {
        return await cuts.during(change)
      } finally {
        points.at = undefined
      }
    },
    remove: cuts.remove
  }
})
