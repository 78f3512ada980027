/**
 * The contracts are for whoever writes a part, in another test runner than ours
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

function run (broken: boolean): { status: number | null, failed: number, passed: number } {
  const file = join(import.meta.dirname, 'fixtures/contracts-in-node.mjs')
  const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], { encoding: 'utf8', env: { ...process.env, BROKEN: broken ? '1' : '' } })
  const count = (word: string): number => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(stdout)?.[1] ?? NaN)
  return { status, failed: count('fail'), passed: count('pass') }
}

describe('contracts in the test runner of Node', () => {
  it('pass for an implementation that keeps them', () => {
    const { status, failed, passed } = run(false)
    expect({ status, failed }).toEqual({ status: 0, failed: 0 })
    expect(passed).toBeGreaterThan(20)
  })

  it('fail for one that does not', () => {
    const { status, failed } = run(true)
    expect({ status, failed }).toEqual({ status: 1, failed: 1 })
  })
})
