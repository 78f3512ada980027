/**
 * One trial: three sites learn together, each alone, and one with everybody's examples
 *
 * Together with the programs as a user runs them, the others by the trainer alone, which does not wait for neighbours;
 * the same document, rounds and test examples for all.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseFederation } from '../../src/federation/document.ts'
import { createWorkerTrainer } from '../../src/model/worker-trainer.ts'
import { answer, run } from './program.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { DatasetSource, EvaluationResult } from '../../src/interface.ts'
import type { Running } from './program.ts'

export interface Sites {
  /** Data of each site, as `--data` takes them, and of all together */
  sites: readonly string[]
  all: string
  /** Test examples, as `--test-data` takes them; left out where the data hold their own */
  test?: string | undefined
}

export interface TrialInit extends Sites {
  folder: string
  /** What the founder says beside the data */
  founding: readonly string[]
  rounds: number
}

export interface TrialResult {
  /** The first site's model, each site's alone, and the one with all examples */
  together: EvaluationResult
  alone: EvaluationResult[]
  central: EvaluationResult
}

const LISTEN = ['--listen', '/ip4/127.0.0.1/tcp/0']

export async function trial ({ folder, sites, all, test, founding, rounds }: TrialInit): Promise<TrialResult> {
  const tested = test === undefined ? [] : ['--test-data', test]
  const homeOf = (name: string): string[] => ['--home', join(folder, name), '--ledgers', join(folder, `${name}-ledgers`)]
  await mkdir(folder, { recursive: true })
  await answer(['init', ...homeOf('site-1'), '--data', sites[0]!, ...tested, ...founding])
  const document = join(folder, 'site-1', 'federation.json')
  const limited = ['--rounds', String(rounds)]
  const running: Running[] = []
  try {
    const first = run(['start', ...homeOf('site-1'), ...LISTEN, ...limited, '--min-members', String(sites.length)])
    running.push(first)
    const [address] = (await first.line('listening'))['addresses'] as string[]
    sites.slice(1).forEach((data, i) => {
      running.push(run(['join', address!, ...homeOf(`site-${i + 2}`), ...LISTEN, '--data', data, ...tested, ...limited]))
    })
    await Promise.all(running.map(async ({ ended }) => ended))
  } finally {
    running.forEach(({ kill }) => { kill() })
  }
  const federation = parseFederation(JSON.parse(await readFile(document, 'utf8')))
  const alone: EvaluationResult[] = []
  for (const data of sites) {
    alone.push(await lonely(federation, sourceOf(data, test), rounds))
  }
  const together = await answer(['evaluate', '--home', join(folder, 'site-1')]) as unknown as EvaluationResult
  return { together, alone, central: await lonely(federation, sourceOf(all, test), rounds) }
}

/** As `--data` and `--test-data` say it */
function sourceOf (data: string, test: string | undefined): DatasetSource {
  const [kind, path] = [data.slice(0, data.indexOf(':')), data.slice(data.indexOf(':') + 1)]
  switch (kind) {
    case 'csv':
    case 'parquet': return { kind, file: path, ...(test === undefined ? {} : { testFile: test }) }
    case 'text': return { kind, path, ...(test === undefined ? {} : { testFile: test }) }
    case 'images': return { kind, path }
    default: throw new RangeError(`no data of kind ${kind} here`)
  }
}

/** As many rounds of training as the others have, without neighbours */
async function lonely (document: FederationDocument, data: DatasetSource, rounds: number): Promise<EvaluationResult> {
  const trainer = createWorkerTrainer({ document, data, backend: 'wasm' })
  try {
    await trainer.start()
    let parameters = await trainer.initialParameters()
    for (let round = 1; round <= rounds; round++) {
      ({ parameters } = await trainer.train(parameters, { round }))
    }
    return await trainer.evaluate(parameters, { detailed: true })
  } finally {
    await trainer.stop()
  }
}
