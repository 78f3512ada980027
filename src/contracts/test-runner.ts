/**
 * The test runner that the contracts run in: whichever has these functions, in the form of Jest, Vitest and Bun
 *
 * Taken from the global scope where they are there (Jest, Bun, Vitest with `globals`), and otherwise from
 * `useTestRunner`. With Node's own runner: its describe, it, beforeEach, afterEach, `before` and `after` as beforeAll
 * and afterAll, and the `expect` of the package of that name. Networks and trainers take seconds: give the runner a
 * timeout of a minute.
 */

type Hook = (work: () => Promise<void> | void) => void

export interface Matchers {
  toBe: (expected: unknown) => void
  toEqual: (expected: unknown) => void
  toMatchObject: (expected: object) => void
  toBeInstanceOf: (expected: new (...args: never[]) => unknown) => void
  toBeCloseTo: (expected: number, digits?: number) => void
  toBeGreaterThan: (expected: number) => void
  toBeGreaterThanOrEqual: (expected: number) => void
  toBeLessThan: (expected: number) => void
  toBeLessThanOrEqual: (expected: number) => void
  toBeDefined: () => void
  toBeUndefined: () => void
  toContain: (expected: unknown) => void
  toHaveLength: (expected: number) => void
  toMatch: (expected: RegExp | string) => void
  toThrow: (expected?: unknown) => void
}

type Later<T> = { [K in keyof T]: T[K] extends (...args: infer Args) => void ? (...args: Args) => Promise<void> : never }

export interface Expect {
  (actual: unknown): Matchers & { not: Matchers, rejects: Later<Matchers> }
  arrayContaining: (expected: unknown[]) => unknown
  stringContaining: (expected: string) => unknown
  stringMatching: (expected: RegExp | string) => unknown
}

export interface TestRunner {
  describe: (name: string, suite: () => void) => void
  it: (name: string, test: () => Promise<void> | void) => void
  beforeAll: Hook
  beforeEach: Hook
  afterAll: Hook
  afterEach: Hook
  expect: Expect
}

let chosen: TestRunner | undefined

/** Before any contract is called */
export function useTestRunner (runner: TestRunner): void {
  chosen = runner
}

function part<K extends keyof TestRunner> (name: K): TestRunner[K] {
  const found = chosen?.[name] ?? (globalThis as Partial<TestRunner>)[name]
  if (found === undefined) {
    throw new TypeError(`no test runner: there is no global "${name}"; hand one in with useTestRunner({ describe, it, beforeAll, beforeEach, afterAll, afterEach, expect })`)
  }
  return found
}

export const describe: TestRunner['describe'] = (name, suite) => { part('describe')(name, suite) }
export const it: TestRunner['it'] = (name, test) => { part('it')(name, test) }
export const beforeAll: Hook = (work) => { part('beforeAll')(work) }
export const beforeEach: Hook = (work) => { part('beforeEach')(work) }
export const afterAll: Hook = (work) => { part('afterAll')(work) }
export const afterEach: Hook = (work) => { part('afterEach')(work) }

export const expect: Expect = Object.assign((actual: unknown) => part('expect')(actual), {
  arrayContaining: (expected: unknown[]) => part('expect').arrayContaining(expected),
  stringContaining: (expected: string) => part('expect').stringContaining(expected),
  stringMatching: (expected: RegExp | string) => part('expect').stringMatching(expected)
})
