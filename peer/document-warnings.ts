/**
 * What is odd about a valid document: things that work, and that its founder may not want
 */
import { changedMessage } from '../src/federation/federation-id.ts'
import { noiseReach } from '../src/privacy/mechanism.ts'
import { mixingLines } from './document-words.ts'
import { outsidePromise } from './published-statistics.ts'
import { numbersOfData, namesOfData } from './told-by-document.ts'
import type { DocumentFacts } from './document-words.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** Noise that is so many times as long as what it hides, after the mean over all neighbours, leaves little to learn */
const LOUD = 10

export function documentWarnings (document: FederationDocument, facts: DocumentFacts): string[] {
  return [...epochWarnings(document), ...ruleWarnings(document, facts), ...topologyWarnings(document), ...privacyWarnings(document, facts)]
}

function epochWarnings ({ epoch }: FederationDocument): string[] {
  return epoch === undefined ? [] : [`epoch: ${changedMessage({ epoch: epoch.number, federation: epoch.federation })}`]
}

function ruleWarnings (document: FederationDocument, facts: DocumentFacts): string[] {
  const { aggregation: { rule, f } } = document
  return f === 0 || rule.split('+').at(-1) === 'mean' ? [`aggregation: ${mixingLines(document, facts)[0]!}`] : []
}

function topologyWarnings ({ topology: { degree, resample = 0 } }: FederationDocument): string[] {
  return resample > degree ? [`topology: resample is ${resample}, and each peer has ${degree} neighbours: all of them change every round`] : []
}

function privacyWarnings (document: FederationDocument, facts: DocumentFacts): string[] {
  const { mechanism } = document.privacy
  if (mechanism === 'none') {
    return []
  }
  const numbers = numbersOfData(document)
  return [
    ...loudness(document, facts),
    ...(numbers.length === 0 ? [] : [`privacy: under ${mechanism} the document tells ${numbers.join(', ')}: where they were computed from somebody's data, that is outside of the promise`]),
    ...namesOfData(document).map((told) => `privacy: under ${mechanism} the document tells ${told}: where they were found in somebody's data, that is outside of the promise`),
    ...outsidePromise(document).map((line) => `privacy: ${line}`)
  ]
}

/**
 * Of update-level privacy the noise is the same whatever the data are: beside an update, which is clipNorm long at
 * most, after the mean over a peer and all its neighbours
 */
function loudness (document: FederationDocument, { parameterCount }: DocumentFacts): string[] {
  const { privacy, topology: { degree } } = document
  if (privacy.mechanism !== 'update-level') {
    return []
  }
  const times = noiseReach(document, parameterCount, 1) / privacy.clipNorm / Math.sqrt(degree + 1)
  return times < LOUD ? [] : [`privacy: the noise of ${degree + 1} peers' mean update is ${Number(times.toPrecision(2))} times as long as what they learnt in the round: more neighbours, fewer parameters or a larger epsilon`]
}
