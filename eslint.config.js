import importX from 'eslint-plugin-import-x'
import neostandard from 'neostandard'
import tseslint from 'typescript-eslint'

/** A third-party library may be imported from one folder only */
const OWNERS = {
  'src/network': ['libp2p', '@libp2p/*', '@chainsafe/*', '@multiformats/*'],
  'src/model': ['@tensorflow/*'],
  'src/store': ['level', 'abstract-level', 'classic-level', 'memory-level']
}

const owned = Object.entries(OWNERS)

/** Files of `src` itself that everybody may import. They import each other only */
const COMMON = [
  'ban-table', 'blame', 'closest', 'errors', 'interface', 'key-file', 'lasting-controller', 'limits', 'make-folder', 'number-limits', 'plain-value', 'promise-with-resolvers',
  'quoted', 'seeded-random', 'slices', 'state-folder', 'system-clock', 'trainer-interface', 'update-kind'
]

/**
 * What each folder of `src` may import besides itself and COMMON, types included: the picture in docs/architecture.md. Who is not named as
 * a target, `node` and the two files `index` and `presets`, may import everything; of `node`, the simulation takes the settings of rounds
 */
const ARROWS = {
  topology: [],
  figures: [],
  algorithm: ['federation'],
  aggregators: [],
  codec: [],
  federation: ['aggregators'],
  consensus: [],
  'audit-log': [],
  governance: ['consensus', 'federation'],
  governor: ['consensus', 'federation', 'governance'],
  data: ['federation'],
  attacks: ['codec', 'data'],
  privacy: ['federation'],
  store: ['federation'],
  network: ['federation', 'governance', 'topology'],
  model: ['codec', 'data', 'federation', 'figures', 'privacy'],
  ledger: ['data', 'federation', 'privacy', 'store'],
  round: ['aggregators', 'algorithm', 'codec', 'privacy'],
  audit: ['aggregators', 'data', 'federation', 'model', 'privacy', 'simulation'],
  contracts: ['codec', 'federation', 'ledger', 'model'],
  simulation: ['aggregators', 'algorithm', 'attacks', 'codec', 'data', 'federation', 'model', 'node', 'privacy', 'round', 'topology']
}

/** The same inside `network`, whose other files put the folders together, and are imported by none of them */
const NETWORK_ARROWS = {
  support: [],
  wire: [],
  signed: ['wire'],
  host: ['support'],
  admission: ['host', 'support', 'wire'],
  connections: ['host', 'support'],
  members: ['admission', 'connections', 'host', 'signed', 'support', 'wire'],
  updates: ['admission', 'host', 'members', 'signed', 'support', 'wire']
}

const common = COMMON.map((name) => `./${name}.ts`)
const zones = [
  { target: common.map((file) => `./src/${file}`), from: './src', except: common, message: 'what everybody imports imports nobody' },
  ...Object.entries(ARROWS).map(([folder, allowed]) => ({
    target: `./src/${folder}`,
    from: './src',
    except: [...common, ...[folder, ...allowed].map((name) => `./${name}`)],
    message: `src/${folder} imports ${['itself', ...allowed].join(', ')} and the files that everybody may: see ARROWS in eslint.config.js`
  })),
  ...Object.entries(NETWORK_ARROWS).map(([folder, allowed]) => ({
    target: `./src/network/${folder}`,
    from: './src/network',
    except: [folder, ...allowed].map((name) => `./${name}`),
    message: `src/network/${folder} imports ${['itself', ...allowed].join(', ')} of src/network: see NETWORK_ARROWS in eslint.config.js`
  }))
]

export default [
  ...neostandard({ ts: true, ignores: ['dist/**', 'coverage/**', 'src/network/wire/*.ts', 'src/aggregators/kernels/assembly/**', 'src/aggregators/kernels/module.generated.ts'] }),
  ...tseslint.configs.recommendedTypeCheckedOnly.map((config) => ({ ...config, files: ['**/*.ts'] })),
  importX.flatConfigs.typescript,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      complexity: ['error', 12],
      'max-depth': ['error', 3],
      '@stylistic/max-len': ['error', { code: Infinity, comments: 120, ignoreUrls: true }],
      'no-restricted-properties': ['error', {
        object: 'AbortSignal', property: 'any', message: 'Node 20 and 22 hold what it joins as long as the longest-lived signal: anySignal, and clear() it'
      }],
      'no-console': 'error',
      'no-void': ['error', { allowAsStatement: true }],
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-default-export': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/require-await': 'off'
    }
  },
  { files: ['test/**/*.ts', 'bench/**/*.ts', 'src/contracts/*.ts'], rules: { 'max-lines-per-function': 'off', 'max-lines': 'off' } },
  { files: ['peer/**/*.ts', 'testnet/**/*.ts', 'bench/**/*.ts', 'scripts/**'], rules: { 'no-console': 'off' } },
  { files: ['*.js', '*.config.ts'], rules: { 'import-x/no-default-export': 'off' } },
  ...['src', ...Object.keys(OWNERS)].map((folder) => ({
    files: [`${folder}/**/*.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', {
        patterns: [
          { group: ['**/peer/**', '**/testnet/**', '**/test/**', '**/bench/**'], message: 'src imports nothing above it' },
          { group: ['**/index.ts'], message: 'index.ts is the way out, never the way in' },
          ...owned.filter(([owner]) => owner !== folder).map(([owner, group]) => ({ group, allowTypeImports: true, message: `only ${owner} may import this` }))
        ]
      }]
    }
  }))
]
