/**
 * `grapevine card [VERSION]`: a model card of a version, for whoever is to use it
 */
import { federationName } from '../federation-name.ts'
import { formatVersion } from '../format.ts'
import { noteNewer, openHome } from '../home-reader.ts'
import { modelCard } from '../model-card.ts'
import { findAccount, forecastInit, requireSoundAccount } from '../privacy-account.ts'
import { chooseVersion } from '../version-choice.ts'
import { WholeFile } from '../whole-file.ts'
import type { VerbContext } from '../context.ts'
import type { CardFacts } from '../model-card.ts'

const FIGURES_TOLD = 'the figures were computed from examples of this machine, without noise: take them out before you publish the card if that says too much'

export async function card (context: VerbContext): Promise<number> {
  const { home, terminal, args, settings } = context
  const facts = await factsOf(context, args[0] ?? 'latest')
  const { version } = facts
  const markdown = modelCard(facts)
  terminal.event('card', { version: version.id, round: version.round, mixed: version.mixed, home, ...settings.output === undefined ? { markdown } : { output: settings.output } })
  if (settings.output === undefined) {
    for (const line of markdown.trimEnd().split('\n')) {
      terminal.line(line)
    }
  } else {
    await write(settings.output, markdown)
    terminal.line(`wrote the card of ${formatVersion(version)} to ${settings.output}`)
  }
  if (version.metrics.accuracy !== undefined || version.metrics.loss !== undefined) {
    terminal.note(FIGURES_TOLD)
  }
  return 0
}

async function factsOf (context: VerbContext, selector: string): Promise<CardFacts> {
  const { home, terminal } = context
  const reader = await openHome(home)
  let chosen
  try {
    const { version, document } = await chooseVersion(reader, selector, { home, terminal })
    await noteNewer(reader, version, terminal)
    chosen = { version, document, others: await reader.others() }
  } finally {
    await reader.close()
  }
  const { minimumNeighbours, ruleChain } = await import('../../src/aggregators/rules.ts')
  const { document: { aggregation } } = chosen
  return {
    ...chosen,
    federationId: (await federationName(chosen.document)).id,
    neighboursNeeded: minimumNeighbours(ruleChain(aggregation.rule), aggregation.f),
    privacy: await spent(context)
  }
}

/** A copy of a home has no ledger, and a damaged one no number: the card says so, and is one */
async function spent (context: VerbContext): Promise<CardFacts['privacy']> {
  const { forecast } = await import('../../src/privacy/forecast.ts')
  try {
    const found = await findAccount(context)
    if (found === undefined) {
      return undefined
    }
    await requireSoundAccount(context, found.account, found.facts)
    return forecast(await forecastInit(found.account))
  } catch (err) {
    if (/Ledger/.test((err as Error).name)) {
      return (err as Error).message
    }
    throw err
  }
}

async function write (output: string, text: string): Promise<void> {
  const file = await WholeFile.create(output)
  try {
    await file.write(text)
    await file.finish()
  } finally {
    await file.discard()
  }
}
