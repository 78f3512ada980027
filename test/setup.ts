import '../src/promise-with-resolvers.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { useTestRunner } from '../src/contracts/test-runner.ts'

useTestRunner({ describe, it, beforeAll, beforeEach, afterAll, afterEach, expect })
