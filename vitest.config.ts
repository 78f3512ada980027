import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['./test/current-build.ts'],
    setupFiles: ['./test/setup.ts'],
    pool: 'forks',
    // by default one less than there are cores, and on two cores one alone
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default']
  }
})
