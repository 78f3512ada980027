/**
 * What a federation document may say of the noise, in units of clipNorm: apart from its schema, so that planning does not load zod
 */
export const MIN_NOISE_MULTIPLIER = 0.01
export const MAX_NOISE_MULTIPLIER = 1e6
