/**
 * TensorFlow.js, as one object
 *
 * Loaded as the CommonJS module that it is: an import would first look through a megabyte of it for the names of its
 * exports, which takes three times as long as loading it.
 */
import { createRequire } from 'node:module'
import type * as Tensorflow from '@tensorflow/tfjs-core'

/** For the packages of backends, which are of the same kind */
export const requirePackage = createRequire(import.meta.url)

export const tf = requirePackage('@tensorflow/tfjs-core') as typeof Tensorflow
