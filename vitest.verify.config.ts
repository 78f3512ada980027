import { defineConfig } from 'vitest/config'

/** Trials that take minutes, one after another: npm run verify:network */
export default defineConfig({
  test: {
    include: ['test/verify/**/*.verify.ts'],
    globalSetup: ['./test/current-build.ts'],
    setupFiles: ['./test/setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    reporters: ['verbose']
  }
})
