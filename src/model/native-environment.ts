/**
 * What the native library reads from the environment of the process, once, when it is loaded: threads and verbosity
 */

/** Call it before the first backend is loaded. What the user has set stays */
export function setNativeEnvironment (threads = 1): void {
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads)
  process.env.TF_NUM_INTEROP_THREADS ??= '1'
  process.env.OMP_NUM_THREADS ??= String(threads)
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
}
