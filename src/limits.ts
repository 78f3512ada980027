/**
 * What no document, model or message may exceed: apart from the modules that check it, which load much more
 */

/** A federation document larger than this is refused unread: a topology is a few kilobytes */
export const MAX_FEDERATION_BYTES = 262_144

/** Weights that a federation starts from, frozen and initial ones together: 512 MiB, twice MAX_PARAMETERS as float32 */
export const MAX_WEIGHTS_BYTES = 536_870_912

/** More parameters than this cannot be federated: 256 MiB as float32 */
export const MAX_PARAMETERS = 67_108_864

/** Columns of a table that a document names */
export const MAX_COLUMNS = 4096
