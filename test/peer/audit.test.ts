import { access, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportError } from '../../peer/error-report.ts'
import { PrivacyViolationError } from '../../src/errors.ts'
import { presetDocument } from '../../src/presets.ts'
import { run } from './program.ts'

/** A hundred digits, for one round */
const QUICK = ['--partition', '1/160', '--canaries', '40', '--rounds', '1', '--backend', 'wasm']

let folder: string
let federation: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-audit-'))
  federation = join(folder, 'private.json')
  const document = { ...presetDocument('digits'), privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5 } }
  await writeFile(federation, JSON.stringify(document))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

const home = (name: string): string => join(folder, name)

describe('grapevine audit', () => {
  it('audits a named document, makes no home, and writes a report for its owner only', async () => {
    const report = home('report')
    const { exit, stdout, stderr } = await run(['audit', '--federation', federation, '--home', home('never'), '--report', report, ...QUICK])
    expect(stderr).toContain('nothing of it leaves this machine')
    expect(exit).toBe(0)
    expect(stdout).toMatch(/^Audited +"digits" on digits: dp-sgd, noise multiplier 1/)
    expect(stdout).toMatch(/^Promised +epsilon at most \d/m)
    expect(stdout).toMatch(/^Found +epsilon at least \d/m)
    expect(stdout).toMatch(/^Verdict +no contradiction/m)
    await expect(access(home('never'))).rejects.toThrow('ENOENT')
    expect(await readdir(report)).toEqual(['audit.json', 'audit.svg'])
    expect((await stat(join(report, 'audit.json'))).mode & 0o077).toBe(0)
    expect(JSON.parse(await readFile(join(report, 'audit.json'), 'utf8'))).toMatchObject({ format: 1, mechanism: 'dp-sgd', rounds: 1, examples: 100, canaries: { canaries: 40 } })
    expect(await readFile(join(report, 'audit.svg'), 'utf8')).toMatch(/^<svg /)
  })

  it('audits what init would found where there is no home, and makes none', async () => {
    const { exit, stdout, stderr } = await run(['audit', ...QUICK], { env: { XDG_STATE_HOME: home('state') } })
    expect(stderr).toContain(`no peer in ${join(home('state'), 'grapevine')}: auditing "digits-private", which grapevine init would found`)
    expect(exit).toBe(0)
    expect(stdout).toMatch(/^Audited +"digits-private" on digits: dp-sgd/)
    await expect(access(home('state'))).rejects.toThrow('ENOENT')
  })

  it('audits the document and the data of a home, however many rounds its peer is to run, and leaves the home as it was', async () => {
    const path = home('peer')
    expect((await run(['init', '--home', path, '--preset', 'digits', '--partition', '1/160', '--rounds', '5000', '--backend', 'wasm'])).exit).toBe(0)
    const before = await readdir(path)
    const { exit, stdout } = await run(['audit', '--home', path, '--sample', '60', '--canaries', '20', '--json'])
    expect(exit).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ type: 'audit', federation: 'digits', mechanism: 'none', claim: null, verdict: 'none', rounds: 20, examples: 60, backend: 'wasm' })
    expect(await readdir(path)).toEqual(before)
  })
})

describe('an audit that cannot be', () => {
  it.each<[what: string, args: string[], outcome: { code: string, exit: number, says: string }]>([
    ['too few canaries', ['--preset', 'digits', '--canaries', '3'], { code: 'USAGE', exit: 2, says: '--canaries must be a whole number from 20 to 100000' }],
    ['two documents', ['--preset', 'digits', '--federation', 'x.json'], { code: 'USAGE', exit: 2, says: 'cannot be given together' }],
    ['privacy for a document that is given already', ['--epsilon', '3'], { code: 'USAGE', exit: 2, says: 'for a new federation only' }],
    ['a home that was named and is none', [], { code: 'NO_HOME', exit: 3, says: 'no peer in' }],
    ['more examples than there are', ['--preset', 'digits', ...QUICK, '--sample', '101'], { code: 'DATA_INVALID', exit: 8, says: 'this peer has 100' }],
    ['data that are not there', ['--preset', 'mnist-mlp', '--data', 'idx:/nonexistent'], { code: 'DATA_MISSING', exit: 8, says: '/nonexistent' }]
  ])('%s', async (_, args, { code, exit, says }) => {
    const outcome = await run(['audit', '--home', home('never'), ...args])
    expect(outcome.stderr).toContain(`error GRAPEVINE_E_${code}: `)
    expect(outcome.stderr).toContain(says)
    expect(outcome.exit).toBe(exit)
    expect(outcome.stdout).toBe('')
  })

  it('a report that has no place, before anything is trained', async () => {
    const outcome = await run(['audit', '--preset', 'digits', '--home', home('never'), '--report', join(federation, 'report'), ...QUICK])
    expect(outcome).toMatchObject({ exit: 2, stdout: '' })
    expect(outcome.stderr).not.toContain('auditing')
  })
})

describe('a violation', () => {
  it('ends with the code of what is not what it was said to be, and says that it is a bug', () => {
    const error = new PrivacyViolationError('this is a bug: epsilon is at least 3', { lowerBound: 3, ledgerEpsilon: 1 })
    expect(reportError(error)).toMatchObject({ code: 'GRAPEVINE_E_PRIVACY_VIOLATION', exit: 13, message: error.message, fix: expect.stringContaining('bug') as string })
  })
})
