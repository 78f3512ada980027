/**
 * Says in one line why a data file could not be read
 */
import { DatasetError } from '../errors.ts'

const FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; check the path',
  EACCES: 'may not be read by this user; change its permissions',
  EPERM: 'may not be read by this user; change its permissions',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'is not a folder',
  Z_BUF_ERROR: 'ends in the middle of its gzip data; fetch it again',
  Z_DATA_ERROR: 'has damaged gzip data; fetch it again'
}

/** A DatasetError with the path and the reason; one that is a DatasetError already is passed on */
export function unreadable (path: string, err: unknown): DatasetError {
  if (err instanceof DatasetError) {
    return err
  }
  const code = (err as NodeJS.ErrnoException).code
  return new DatasetError(`${path} ${FAILURES[code ?? ''] ?? `cannot be read (${code ?? String(err)})`}`, { cause: err })
}
