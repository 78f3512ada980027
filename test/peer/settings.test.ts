import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildProgram } from '../../peer/cli.ts'
import { defaultHome, resolveSettings } from '../../peer/resolve-settings.ts'
import { environmentName, kebabName, setting, SETTING_NAMES } from '../../peer/settings.ts'
import { PRESET_NAMES } from '../../src/presets.ts'
import type { SettingName } from '../../peer/settings.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gv-settings-'))
})

afterEach(async () => {
  await rm(home, { recursive: true })
})

async function resolve (flags: Partial<Record<SettingName, unknown>>, environment: Record<string, string> = {}, file?: string) {
  if (file !== undefined) {
    await writeFile(join(home, 'grapevine.toml'), file)
  }
  return resolveSettings({ flags: { home, ...flags }, environment, workingDirectory: '/work-here' })
}

describe('the table of settings', () => {
  it('names every preset there is', () => {
    const [, names] = /: (.*)$/.exec(setting('preset').help)!
    expect(names!.split(/, | or /)).toEqual([...PRESET_NAMES])
  })

  it('gives every setting a flag and a variable of its own', () => {
    expect(new Set(SETTING_NAMES.map(kebabName)).size).toBe(SETTING_NAMES.length)
    expect(new Set(SETTING_NAMES.map(environmentName)).size).toBe(SETTING_NAMES.length)
    expect(kebabName('testFraction')).toBe('test-fraction')
    expect(environmentName('testFraction')).toBe('GRAPEVINE_TEST_FRACTION')
  })

  it('makes a flag of every setting, and hides those for simulations', () => {
    const start = buildProgram(async () => {}).commands.find((command) => command.name() === 'start')!
    expect(start.options.map((option) => option.attributeName())).toContain('evaluateEvery')
    expect(start.helpInformation()).toContain('--evaluate-every <N>')
    expect(start.helpInformation()).not.toContain('attack')
  })

  it('lets no default fail its own check', async () => {
    const z = await import('zod')
    for (const [name, value] of [['data', 'digits'], ['testFraction', '0.2'], ['partitionSeed', '1'], ['backend', 'auto'], ['threads', '1'], ['minMembers', '2'], ['listen', '/ip4/0.0.0.0/tcp/0']] as const) {
      expect(setting(name).schema(z).safeParse(value).success, name).toBe(true)
    }
  })
})

describe('precedence', () => {
  it('puts a flag above the environment, and the environment above the file', async () => {
    const file = 'rounds = 1\nthreads = 1\nkeep-versions = 1\n'
    const { settings, origins } = await resolve({ rounds: '3' }, { GRAPEVINE_ROUNDS: '2', GRAPEVINE_THREADS: '2' }, file)
    expect(settings).toMatchObject({ rounds: 3, threads: 2, keepVersions: 1 })
    expect(origins).toMatchObject({ rounds: 'flag', threads: 'environment', keepVersions: 'file' })
  })

  it('holds for any combination of sources', async () => {
    await fc.assert(fc.asyncProperty(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), async ([inFlag, inEnvironment, inFile]) => {
      const { settings } = await resolve(inFlag ? { rounds: '30' } : {}, inEnvironment ? { GRAPEVINE_ROUNDS: '20' } : {}, inFile ? 'rounds = 10' : '')
      expect(settings.rounds).toBe(inFlag ? 30 : inEnvironment ? 20 : inFile ? 10 : undefined)
    }), { numRuns: 16 })
  })

  it('reads the file that --config names in place of the one in the home', async () => {
    const other = join(home, 'other.toml')
    await writeFile(other, 'rounds = 7')
    const { settings } = await resolve({ config: other }, {}, 'rounds = 1\nthreads = 4')
    expect(settings.rounds).toBe(7)
    expect(settings.threads).toBeUndefined()
  })

  it('lets the stronger source decide between settings that exclude each other', async () => {
    const { settings } = await resolve({ dirichlet: '0.3' }, {}, 'shards = 2\npartition = "1/2"')
    expect(settings).toMatchObject({ dirichlet: 0.3, partition: '1/2' })
    expect(settings.shards).toBeUndefined()
    await expect(resolve({ dirichlet: '0.3', shards: '2' })).rejects.toThrow('--dirichlet and --shards cannot be given together')
  })

  it('finds the home in the flag, the environment, the state folder, the home of the user', async () => {
    expect((await resolveSettings({ flags: { home: 'x' }, environment: {}, workingDirectory: '/a' })).home).toBe('/a/x')
    expect((await resolveSettings({ flags: {}, environment: { GRAPEVINE_HOME: '/b' }, workingDirectory: '/a' })).home).toBe('/b')
    expect(defaultHome({ XDG_STATE_HOME: '/state' })).toBe('/state/grapevine')
    expect(defaultHome({})).toMatch(/\/\.local\/state\/grapevine$/)
  })

  it('takes relative paths from the working folder, or from the folder of the file', async () => {
    expect((await resolve({ data: 'csv:a.csv' })).settings.data).toBe('csv:/work-here/a.csv')
    expect((await resolve({}, {}, 'data = "idx:images"')).settings.data).toBe(`idx:${join(home, 'images')}`)
    expect((await resolve({ data: 'digits:4' })).settings.data).toBe('digits:4')
  })

  it('treats an empty variable as none, and splits lists at spaces and commas', async () => {
    const { settings } = await resolve({}, { GRAPEVINE_ROUNDS: '', GRAPEVINE_LISTEN: '/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2' })
    expect(settings.rounds).toBeUndefined()
    expect(settings.listen).toEqual(['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'])
  })
})

describe('strictness', () => {
  it('refuses an unknown key with a suggestion', async () => {
    await expect(resolve({}, {}, 'min-member = 3')).rejects.toThrow(/grapevine\.toml: unknown key "min-member" \(did you mean min-members\?\)/)
  })

  it('refuses an unknown variable with a suggestion', async () => {
    await expect(resolve({}, { GRAPEVINE_MIN_MEMBER: '3' })).rejects.toThrow('unknown environment variable GRAPEVINE_MIN_MEMBER (did you mean GRAPEVINE_MIN_MEMBERS?)')
  })

  it('says of a flag that stands in a file where it belongs', async () => {
    await expect(resolve({}, {}, 'preset = "digits"')).rejects.toThrow('it can only be given as --preset')
  })

  it('names the source of a value that is not acceptable', async () => {
    await expect(resolve({ rounds: '0' })).rejects.toMatchObject({ name: 'UsageError', message: '--rounds must be a whole number, at least 1, but is "0"' })
    await expect(resolve({}, { GRAPEVINE_BACKEND: 'gpu' })).rejects.toMatchObject({ name: 'ConfigurationError', message: 'GRAPEVINE_BACKEND must be auto, tensorflow, wasm or cpu, but is "gpu"' })
    await expect(resolve({}, {}, 'listen = 4')).rejects.toMatchObject({ name: 'ConfigurationError', message: expect.stringContaining('"listen" must be a multiaddr') as string })
  })

  it.each(['0/3', '4/3', '1', 'a/b', '1/3/4', '-1/3'])('refuses the partition %s', async (partition) => {
    await expect(resolve({ partition })).rejects.toThrow('I/N with 1 <= I <= N')
  })

  it.each(['digit', 'digits:', 'digits:x', 'digits:4294967296', 'idx', 'idx:', 'csv:', 'images:', 'npy', 'text:', 'http://x'])('refuses the data %s', async (data) => {
    await expect(resolve({ data })).rejects.toThrow('digits, digits:SEED, idx:DIR, csv:FILE, parquet:FILE, jsonl:FILE, npy:PATH, images:FOLDER or text:PATH')
  })

  it('points at the line of a file that is not TOML', async () => {
    await expect(resolve({}, {}, 'rounds = 1\nlisten = [')).rejects.toThrow(/grapevine\.toml:2:\d+: not valid TOML/)
  })

  it('refuses a configuration file that was named but is not there', async () => {
    await expect(resolve({ config: join(home, 'none.toml') })).rejects.toThrow('there is no such file')
  })

  it('refuses any text that is no setting, whatever it is', async () => {
    await fc.assert(fc.asyncProperty(fc.string({ minLength: 1, maxLength: 40 }), async (text) => {
      await writeFile(join(home, 'grapevine.toml'), text)
      const error = await resolve({}).then(() => undefined, (err: unknown) => err as Error)
      // comments and blank text are a valid, empty file
      expect(error === undefined || error.name === 'ConfigurationError').toBe(true)
    }), { numRuns: 100 })
  })
})
