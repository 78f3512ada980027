/**
 * Which folder may import which: the linter's table, the picture in docs/architecture.md, and what the sources do
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { ESLint } from 'eslint'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const RULE = 'import-x/no-restricted-paths'

/** Imports all others, and nobody imports it but the simulation, which runs the same rounds */
const TOP = 'node'
const BESIDE_TOP = 'simulation'

interface Zone {
  target: string | string[]
  except: string[]
}

const eslint = new ESLint({ cwd: ROOT, ruleFilter: ({ ruleId }) => ruleId === RULE })

async function zones (): Promise<Zone[]> {
  const { rules } = await eslint.calculateConfigForFile(join(ROOT, 'src/index.ts')) as { rules: Record<string, [number, { zones: Zone[] }]> }
  return rules[RULE]![1].zones
}

/** Each folder of src, or of src/network -> what it may import besides itself and the common files, by the linter */
async function table (within: '' | 'network/' = ''): Promise<Map<string, string[]>> {
  const isThere = (target: string): boolean => new RegExp(`^\\./src/${within}[\\w-]+$`).test(target)
  const folders = (await zones()).filter(({ target }) => typeof target === 'string' && isThere(target))
  return new Map(folders.map(({ target, except }) => {
    const folder = (target as string).replace(`./src/${within}`, '')
    const allowed = except.filter((path) => !path.endsWith('.ts')).map((path) => path.replace('./', ''))
    return [folder, allowed.filter((name) => name !== folder).sort()]
  }))
}

/** The lines `folder -> a, b` of the page; those of folders in src/network are indented further */
function picture (indent: 2 | 4 = 2): Map<string, string[]> {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
  const lines = [...page.matchAll(new RegExp(`^ {${indent}}([\\w-]+) +-> (.*)$`, 'gm'))]
  return new Map(lines.filter(([, folder]) => folder !== TOP).map(([, folder, allowed]) => [folder!, allowed!.split(',').map((name) => name.trim()).filter((name) => name !== '-').sort()]))
}

interface Import {
  to: string
  /** Nothing is loaded by it: a type, or a module that is loaded later, on demand */
  isType: boolean
}

function sourceImports (): Map<string, Import[]> {
  const src = join(ROOT, 'src')
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.includes('kernels/assembly'))
  return new Map(files.map((file) => {
    const text = readFileSync(join(src, file), 'utf8')
    const found = [...text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?'(\.[^']+)'/gm)]
    const later = [...text.matchAll(/\bimport\('(\.[^']+)'\)/g)].map(([, path]) => ({ path: path!, isType: true }))
    const all = [...found.map(([, type, path]) => ({ path: path!, isType: type !== undefined })), ...later]
    return [file, all.map(({ path, isType }) => ({ to: relative(src, resolve(src, file, '..', path)), isType }))]
  }))
}

/** Modules that an import of this one loads, itself included */
function loaded (imports: Map<string, Import[]>, start: string): Set<string> {
  const seen = new Set([start])
  for (const file of seen) {
    imports.get(file)?.filter(({ isType }) => !isType).forEach(({ to }) => seen.add(to))
  }
  return seen
}

/**
 * Files that reach each other, types included: largest first (Tarjan 1972, by reachability, for a few hundred files)
 */
function circles (imports: Map<string, Import[]>): string[][] {
  const reach = new Map([...imports.keys()].map((file) => {
    const seen = new Set<string>()
    const queue = [file]
    for (const each of queue) {
      for (const { to } of imports.get(each) ?? []) {
        if (!seen.has(to)) {
          seen.add(to)
          queue.push(to)
        }
      }
    }
    return [file, seen]
  }))
  const inCircles = [...reach].filter(([file, seen]) => seen.has(file)).map(([file, seen]) => [...seen].filter((other) => reach.get(other)?.has(file) === true).sort())
  return [...new Map(inCircles.map((circle) => [circle.join(), circle])).values()].sort((a, b) => b.length - a.length)
}

describe('arrows between folders', () => {
  it('are those of the picture in docs/architecture.md', async () => {
    expect(Object.fromEntries(picture())).toEqual(Object.fromEntries(await table()))
    expect(Object.fromEntries(picture(4))).toEqual(Object.fromEntries(await table('network/')))
  })

  it('name every folder but the one on top', async () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
    expect([...(await table()).keys(), TOP].sort()).toEqual(folders.sort())
  })

  it('name every folder inside network, whose folders import nothing that lies beside them', async () => {
    const folders = readdirSync(join(ROOT, 'src/network'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
    expect([...(await table('network/')).keys()].sort()).toEqual(folders.sort())
    for (const folder of folders) {
      const first = readdirSync(join(ROOT, 'src/network', folder)).find((file) => file.endsWith('.ts'))!
      const [result] = await eslint.lintText("import type {} from '../gossip-network.ts'\n", { filePath: join(ROOT, 'src/network', folder, first) })
      // what is generated is not linted
      expect(result!.messages.map(({ ruleId }) => ruleId), folder).toEqual(folder === 'wire' ? [null] : [RULE])
    }
  }, 120_000)

  it('are enforced: a forbidden import is refused in every folder, as a value and as a type', async () => {
    for (const folder of [...(await table()).keys()].filter((name) => name !== BESIDE_TOP)) {
      const first = readdirSync(join(ROOT, 'src', folder), { recursive: true, encoding: 'utf8' }).find((file) => file.endsWith('.ts') && !file.includes('assembly'))!
      const path = relative(join('src', folder, first, '..'), 'src/node/node-interface.ts')
      const text = `import '${path}'\nexport type * from '${path}'\n`
      const [result] = await eslint.lintText(text, { filePath: join(ROOT, 'src', folder, first) })
      expect(result!.messages.map(({ ruleId, line }) => `${folder} ${ruleId} ${line}`)).toEqual([`${folder} ${RULE} 1`, `${folder} ${RULE} 2`])
    }
  }, 120_000)

  it('leave no circle of more than three files, types included', () => {
    expect(circles(sourceImports()).filter(({ length }) => length > 3)).toEqual([])
  })

  it('keep it cheap to load the codec (12 modules at most) and the rounds (60)', () => {
    const imports = sourceImports()
    expect(loaded(imports, 'codec/codec.ts').size).toBeLessThanOrEqual(12)
    expect(loaded(imports, 'codec/codec.ts').size).toBeGreaterThan(5)
    expect(loaded(imports, 'round/round-engine.ts').size).toBeLessThanOrEqual(60)
    expect(loaded(imports, 'round/round-engine.ts').size).toBeGreaterThan(30)
  })
})
