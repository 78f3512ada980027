import { defineConfig } from 'vitest/config'

const shared = {
  extends: true as const,
  test: { globalSetup: ['./test/current-build.ts'], setupFiles: ['./test/setup.ts'], pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 60_000 }
}

/** Several processes or networks at once, with deadlines of their own: beside another file they would not meet them */
const ALONE = ['test/network/**/*.test.ts', 'test/e2e/**/*.test.ts', 'test/testnet/**/*.test.ts', 'test/customers/**/*.test.ts']

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      // by default there is one worker less than there are cores: on two cores one alone
      { ...shared, test: { ...shared.test, name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, maxWorkers: 2, sequence: { groupOrder: 0 } } },
      { ...shared, test: { ...shared.test, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } }
    ]
  }
})
