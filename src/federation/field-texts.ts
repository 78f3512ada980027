/**
 * What each field of a document is, for people: one line a field, from which `grapevine document` and docs/document.md
 * are made. A new field of the schema needs one here
 *
 * By path, `*` for each entry of a list; `path (kind)` where the kinds of an object differ in it.
 */

export interface FieldText {
  meaning: string
  unit?: string
  /** What it means that an optional field is not there */
  absent?: string
  /** Format of the documents in which it came. @default 1 */
  format?: 2
  /** Where its numbers or names may come from: somebody's data, or their founder's word. @default no data */
  from?: 'data' | 'word'
}

export const FIELD_TEXTS: Readonly<Record<string, FieldText>> = {
  format: { meaning: '1, or 2 as soon as one field is there that came with format 2' },
  epoch: { meaning: 'on which earlier document this one follows', absent: 'the first document of its federation', format: 2 },
  'epoch.number': { meaning: 'how often the document was changed before: 1 for the first change', format: 2 },
  'epoch.federation': { meaning: 'id of the first document, and so of the federation', format: 2 },
  'epoch.previous': { meaning: 'id of the document before this one', format: 2 },
  membership: { meaning: 'who may take part, and who decides on it', absent: 'whoever connects is a member (an open federation)', format: 2 },
  'membership.admission': { meaning: 'invited: members are invited by members, or admitted by the voters', format: 2 },
  'membership.voters': { meaning: 'who decides at first, and is a member without a certificate', format: 2 },
  'membership.voters.*.peer': { meaning: 'peer id of a voter', format: 2 },
  'membership.voters.*.votingKey': { meaning: 'Ed25519 public key, in hex, for its votes until the voters change for the first time', format: 2 },
  'membership.guestsPerMember': { meaning: 'how many peers each member may invite, until a decision raises it', unit: 'members', format: 2 },
  'membership.certificateDays': { meaning: 'how long the certificate of an invited member holds; its inviter renews it before that', unit: 'days', format: 2 },
  name: { meaning: 'what people call the federation: letters, digits, blanks, ".", "_" and "-"' },

  'model.topology': { meaning: 'the layers: LayersModel JSON of TensorFlow.js, a Sequential' },
  'model.constants': { meaning: 'weights of the layers that are not trained ("trainable": false), row-major, by names such as "features/kernel": neither trained nor sent', absent: 'every layer is trained, or model.weights has those of the others' },
  'model.weights': { meaning: 'the weights of all layers that the federation starts from, frozen ones too: members bring the file, it is never sent', absent: 'constants, and what the seed gives', format: 2 },
  'model.weights.sha256': { meaning: 'SHA-256 of the canonical file of the weights', format: 2, from: 'word' },
  'model.weights.bytes': { meaning: 'length of that file', unit: 'bytes', format: 2 },
  'model.seed': { meaning: 'seed of the common initial weights; without effect beside model.weights' },
  'model.loss': { meaning: 'what training makes small; the last three are for a number' },
  'model.input.kind': { meaning: 'what an example is' },
  'model.input.shape': { meaning: 'height, width and channels of the pictures' },
  'model.input.mean': { meaning: 'a pixel x, scaled from 0..255 (or 0..65535) to 0..1, becomes (x - mean) / stdDev', unit: 'share of full brightness', from: 'data' },
  'model.input.stdDev': { meaning: 'see mean', unit: 'share of full brightness', from: 'data' },
  'model.input.resize': { meaning: 'pictures of another size are resized to this one', absent: 'pictures of another size are refused', format: 2 },
  'model.input.fit': { meaning: 'pictures of other proportions are cut to their middle first, as large as possible; only beside resize', absent: 'they are stretched', format: 2 },
  'model.input.bits': { meaning: 'bits of a sample that members keep; pictures of 8 bits are widened', unit: 'bits', absent: '8', format: 2 },
  'model.input.label (table)': { meaning: 'the column that holds the class, or the number to predict', from: 'word' },
  'model.input.columns': { meaning: 'the columns that are inputs, in the order of the input vector' },
  'model.input.columns.*.kind': { meaning: 'a number, or one of some values, each of which becomes an input of 0 or 1' },
  'model.input.columns.*.name': { meaning: 'as the first line of the table has it', from: 'word' },
  'model.input.columns.*.mean': { meaning: 'a value x becomes (x - mean) / stdDev; the middle of a declared range', unit: 'as the column', from: 'data' },
  'model.input.columns.*.stdDev': { meaning: 'see mean; of a declared range its width over the square root of 12', unit: 'as the column', from: 'data' },
  'model.input.columns.*.unit': { meaning: 'what values are measured in, such as kg: for people', absent: 'not said', format: 2, from: 'word' },
  'model.input.columns.*.min': { meaning: 'with max, the declared range: a value outside counts as the nearer end', unit: 'as the column', absent: 'no range was declared', format: 2, from: 'word' },
  'model.input.columns.*.max': { meaning: 'see min', unit: 'as the column', absent: 'no range was declared', format: 2, from: 'word' },
  'model.input.columns.*.missing (numeric)': { meaning: 'what stands for a value that is missing', absent: 'the mean stands for it, and nothing tells that it is missing', format: 2 },
  'model.input.columns.*.missing.constant': { meaning: 'stands for a missing value', unit: 'as the column', absent: 'the mean', format: 2, from: 'word' },
  'model.input.columns.*.missing.indicator': { meaning: 'one more input after the column\'s: 1 where the value is missing, else 0', absent: 'no such input', format: 2 },
  'model.input.columns.*.values': { meaning: 'the values, each an input', from: 'data' },
  'model.input.columns.*.other': { meaning: 'any other value is no error: all inputs of the column are 0 then', absent: 'another value is an error' },
  'model.input.columns.*.missing (categorical)': { meaning: 'one more input after those of the values: 1 where there is no value', absent: 'no such input', format: 2 },
  'model.input.marks': { meaning: 'cells that hold no value, besides blank ones', absent: 'NA, ?, -, null and their like, in any letters', format: 2, from: 'word' },
  'model.input.group': { meaning: 'no input: all rows with one value of this column (a patient) are trained on, or all are tested on', absent: 'rows are split one by one', format: 2, from: 'word' },
  'model.input.length': { meaning: 'tokens of each text that the model sees: the first of a longer one; a shorter one is padded at its end', unit: 'tokens', format: 2 },
  'model.input.tokens': { meaning: 'bytes of the text in UTF-8, or words, as a vocabulary names them', format: 2 },
  'model.input.vocabulary': { meaning: 'the words that have a number of their own, in the order of their numbers', absent: 'tokens are bytes', format: 2, from: 'data' },
  'model.input.column': { meaning: 'of a table of texts: the column of the text', absent: 'text, in any letters', format: 2, from: 'word' },
  'model.input.label (text)': { meaning: 'of a table of texts: the column of the class', absent: 'label, in any letters', format: 2, from: 'word' },
  'model.labels': { meaning: 'names of the classes, in the order of the model\'s outputs; none where a number is predicted', from: 'data' },
  'model.target': { meaning: 'the number that is predicted', absent: 'classes are told apart', format: 2 },
  'model.target.mean': { meaning: 'the model gives (value - mean) / stdDev; the middle of a declared range', unit: 'as the number', format: 2, from: 'data' },
  'model.target.stdDev': { meaning: 'see mean; of a declared range its width over the square root of 12', unit: 'as the number', format: 2, from: 'data' },
  'model.target.unit': { meaning: 'what it is measured in, alike in all members\' data', absent: 'not said', format: 2, from: 'word' },
  'model.target.min': { meaning: 'values below are refused', unit: 'as the number', absent: 'no bound', format: 2, from: 'word' },
  'model.target.max': { meaning: 'values above are refused', unit: 'as the number', absent: 'no bound', format: 2, from: 'word' },
  'model.classWeights': { meaning: 'what an example of each class counts for in the loss, in the order of the labels', absent: '1 each', format: 2, from: 'word' },

  'training.epochs': { meaning: 'passes over the own examples in a round; exactly one of epochs and steps', unit: 'passes', absent: 'steps says how long a round is' },
  'training.steps': { meaning: 'optimiser steps in a round', unit: 'steps', absent: 'epochs says how long a round is' },
  'training.batchSize': { meaning: 'examples of a step; with dp-sgd as many as are drawn on average', unit: 'examples' },
  'training.optimizer.name': { meaning: 'stochastic gradient descent, or Adam (Kingma and Ba 2015)' },
  'training.optimizer.learningRate': { meaning: 'length of a step, of the first round' },
  'training.optimizer.decayRounds': { meaning: 'the learning rate falls linearly to zero after so many rounds', unit: 'rounds', absent: 'it stays' },
  'training.optimizer.momentum': { meaning: 'share of the step before that a step keeps' },
  'training.optimizer.beta1': { meaning: 'Adam: decay of the mean of gradients' },
  'training.optimizer.beta2': { meaning: 'Adam: decay of the mean of squared gradients' },
  'training.optimizer.epsilon': { meaning: 'Adam: added to the root of the latter' },

  'aggregation.rule': { meaning: 'how a peer mixes what its neighbours send: a rule, such as gated-geometric-median, also after nnm+ or bucketing+' },
  'aggregation.f': { meaning: 'liars among a peer\'s neighbours that the rule must withstand', unit: 'neighbours' },
  'aggregation.clipRadius': { meaning: 'radius of the clipping rules', unit: 'distance between parameter vectors', absent: 'they choose it' },
  'aggregation.quarantine': { meaning: 'whether a peer holds back what its most suspicious neighbours send, f at most', absent: 'true' },
  'codec.name': { meaning: 'how parameters are written in an update: 4, 2 or 1 bytes each' },
  'topology.degree': { meaning: 'neighbours of each peer', unit: 'peers' },
  'topology.resample': { meaning: 'about how many of them are replaced every round, by a draw that all compute alike', unit: 'peers', absent: 'neighbours stay' },
  'round.deadlineMs': { meaning: 'a peer never waits longer than this for its neighbours\' updates', unit: 'ms' },
  'round.staleness': { meaning: 'updates of so many earlier rounds still take part', unit: 'rounds' },

  'privacy.mechanism': { meaning: 'what hides the examples in all that is sent: nothing; noise that covers each example; noise that covers a peer\'s whole dataset' },
  'privacy.clipNorm': { meaning: 'L2 norm to which the part of an example (dp-sgd) or the update of a peer (update-level) is cut' },
  'privacy.noiseMultiplier': { meaning: 'standard deviation of the noise', unit: 'clipNorm' },
  'privacy.epsilonLimit': { meaning: 'a peer sends nothing that is computed from its data once its epsilon would be more than this' },
  'privacy.delta': { meaning: 'of the (epsilon, delta) that is spent and limited: well below one over the number of examples' },
  'privacy.accountant': { meaning: 'whose epsilon counts against the limit: both are upper bounds, pld is the tighter one' },
  'privacy.adaptiveClipping': { meaning: 'the clip norm follows a quantile of the norms, learned with noise (Andrew et al. 2021)', absent: 'clipNorm stays as it is' },
  'privacy.adaptiveClipping.quantile': { meaning: 'share of the examples whose gradients shall be left whole' },
  'privacy.adaptiveClipping.learningRate': { meaning: 'step on the logarithm of the clip norm' },
  'privacy.adaptiveClipping.countDeviation': { meaning: 'standard deviation of the noise on the number of examples that are left whole', unit: 'examples' }
}
