/**
 * The settings about privacy: a part of the one table in settings.ts
 */
import { count, EVERYWHERE, filePath, FLAG_ONLY, FOUND, NODE, NOT_IN_FILE, positive, text } from './setting.ts'
import type { Setting, Verb } from './setting.ts'

const BUDGET: readonly Verb[] = [...NODE, 'privacy']
const RUN: readonly Verb[] = ['start', 'join']
const PLAN: readonly Verb[] = [...FOUND, 'privacy']

/** What a federation document may say, all of them */
const MAX_EPSILON = 1000
const MAX_BATCH = 65_536
const MAX_STEPS = 1_000_000
const MAX_DELTA = 0.01

export const PRIVACY_SETTINGS = {
  ledgers: {
    schema: text,
    expects: 'a folder, an absolute path',
    value: 'DIR',
    verbs: [...BUDGET, 'card'],
    sources: EVERYWHERE,
    path: filePath,
    absolute: 'from each working folder one dataset would have another privacy budget',
    shownDefault: '$XDG_STATE_HOME/grapevine-ledgers or ~/.local/state/grapevine-ledgers',
    help: 'folder of the privacy ledgers of all your datasets'
  },
  alone: {
    schema: (z) => z.enum(['wait', 'train']),
    expects: 'wait or train',
    value: 'ACTION',
    verbs: RUN,
    // never stored: what is right for one lonely run would burn the budget of the next
    sources: FLAG_ONLY,
    shownDefault: 'wait',
    help: 'while too few neighbours are there for the rule: wait, or train alone, from the first round on, which costs privacy budget and mixes nothing'
  },
  epsilonLimit: {
    schema: positive(MAX_EPSILON),
    expects: `a number above 0, at most ${MAX_EPSILON}`,
    value: 'EPSILON',
    verbs: BUDGET,
    sources: EVERYWHERE,
    shownDefault: 'the federation\'s limit',
    help: 'send nothing more at this epsilon, when it is less than the federation\'s limit'
  },
  privacy: {
    schema: (z) => z.enum(['none', 'dp-sgd', 'update-level']),
    expects: 'none, dp-sgd or update-level',
    value: 'MECHANISM',
    verbs: [...FOUND, 'audit'],
    sources: NOT_IN_FILE,
    shownDefault: 'what the document says',
    help: 'what a new federation promises: nothing, or noise that hides each example, or each whole dataset'
  },
  epsilon: {
    schema: positive(MAX_EPSILON),
    expects: `a number above 0, at most ${MAX_EPSILON}`,
    value: 'EPSILON',
    verbs: [...PLAN, 'audit'],
    sources: NOT_IN_FILE,
    help: 'limit of epsilon of a new federation; with --rounds also the noise that so many rounds need',
    helpFor: { privacy: 'what all the rounds together may spend' }
  },
  examples: {
    schema: count(1),
    expects: 'a whole number, at least 1',
    value: 'COUNT',
    verbs: PLAN,
    sources: NOT_IN_FILE,
    shownDefault: 'those of this peer',
    help: 'examples of the smallest peer, for the noise that --epsilon and --rounds ask for',
    helpFor: { privacy: 'examples of the smallest peer (default: those of the home)' }
  },
  noise: {
    schema: positive(1e6),
    expects: 'a number above 0, at most 1000000',
    value: 'MULTIPLIER',
    verbs: ['privacy'],
    sources: FLAG_ONLY,
    shownDefault: 'the federation\'s',
    help: 'forecast with this noise multiplier'
  },
  batchSize: {
    schema: count(1, MAX_BATCH),
    expects: `a whole number from 1 to ${MAX_BATCH}`,
    value: 'N',
    verbs: ['privacy'],
    sources: FLAG_ONLY,
    shownDefault: 'the federation\'s',
    help: 'plan with batches of N examples (training.batchSize)'
  },
  steps: {
    schema: count(1, MAX_STEPS),
    expects: `a whole number from 1 to ${MAX_STEPS}`,
    value: 'N',
    verbs: ['privacy'],
    sources: FLAG_ONLY,
    shownDefault: 'the federation\'s',
    help: 'plan with N optimiser steps a round (training.steps)'
  },
  delta: {
    schema: positive(MAX_DELTA),
    expects: `a number above 0, at most ${MAX_DELTA}`,
    value: 'DELTA',
    verbs: ['privacy'],
    sources: FLAG_ONLY,
    shownDefault: 'the federation\'s',
    help: 'plan for this delta (privacy.delta): well below one over the number of examples'
  },
  reason: {
    schema: (z) => z.string().min(1).max(1024),
    expects: 'a text of 1 to 1024 characters',
    value: 'TEXT',
    verbs: ['privacy', 'members'],
    sources: FLAG_ONLY,
    help: 'why rounds are charged by hand, for the ledger; or why a member is revoked, for all to read',
    helpFor: { privacy: 'why rounds are charged by hand, for the ledger', members: 'why a member is revoked: at most 200 characters, which all members read' }
  }
} satisfies Record<string, Setting>
