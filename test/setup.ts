import '../src/promise-with-resolvers.ts'
