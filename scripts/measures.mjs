/**
 * The measures of docs/architecture.md, of this tree or of any commits beside it: how long files and functions are, what
 * imports what in circles, how errors are thrown, what is documented, how far types are trusted
 *
 *   node scripts/measures.mjs [COMMIT ...]
 *
 * Counts `src`, `peer` and `testnet` without generated code, the AssemblyScript of the kernels and the suites of the
 * contracts. A table in Markdown.
 */
import { execFileSync } from 'node:child_process'
import { posix } from 'node:path'
import ts from 'typescript'

const LEFT_OUT = /(^src\/contracts\/.*|\.generated\.ts|src\/network\/wire\/[^/]+\.ts|kernels\/assembly\/.*|\.d\.ts)$/
const LONG = 120

const git = (...args) => execFileSync('git', args, { encoding: 'utf8', maxBuffer: 1 << 28 })

/** Paths and texts of the modules of a commit; undefined: of what is staged and committed here */
function modulesOf (commit = 'HEAD') {
  const paths = git('ls-tree', '-r', '--name-only', commit, 'src', 'peer', 'testnet').split('\n').filter((path) => path.endsWith('.ts') && !LEFT_OUT.test(path))
  return new Map(paths.map((path) => [path, git('show', `${commit}:${path}`)]))
}

const quantile = (values, share) => values.length === 0 ? 0 : [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]
const spread = (values) => `${quantile(values, 0.5)} / ${quantile(values, 0.9)} / ${Math.max(0, ...values)}`

/** Groups of modules that import each other, by Tarjan's algorithm; groups of one are none */
function circles (edges) {
  const [index, low, stack, groups] = [new Map(), new Map(), [], []]
  const visit = (node) => {
    index.set(node, index.size)
    low.set(node, index.get(node))
    stack.push(node)
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) {
        visit(next)
        low.set(node, Math.min(low.get(node), low.get(next)))
      } else if (stack.includes(next)) {
        low.set(node, Math.min(low.get(node), index.get(next)))
      }
    }
    if (low.get(node) === index.get(node)) {
      const group = stack.splice(stack.indexOf(node))
      group.length > 1 && groups.push(group)
    }
  }
  for (const node of edges.keys()) {
    index.has(node) || visit(node)
  }
  return groups
}

function isExported (node) {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
}

function measure (modules) {
  const counts = { lines: 0, long: 0, any: 0, as: 0, bang: 0, own: 0, standard: 0, bare: 0, exported: 0, documented: 0 }
  const [fileLines, functionLines, widths] = [[], [], []]
  const [runtime, all] = [new Map(), new Map()]
  for (const [path, text] of modules) {
    const lines = text.split('\n')
    fileLines.push(lines.length)
    counts.lines += lines.length
    counts.long += lines.filter(({ length }) => length > LONG).length
    widths.push(...lines.map(({ length }) => length))
    runtime.set(path, [])
    all.set(path, [])
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    const lineOf = (position) => file.getLineAndCharacterOfPosition(position).line
    const visit = (node) => {
      if (ts.isImportDeclaration(node) || (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)) {
        const target = posix.join(posix.dirname(path), node.moduleSpecifier.text)
        if (modules.has(target)) {
          all.get(path).push(target)
          const isType = ts.isImportDeclaration(node) ? node.importClause?.isTypeOnly === true : node.isTypeOnly
          isType || runtime.get(path).push(target)
        }
      }
      if (ts.isFunctionLike(node) && node.body !== undefined) {
        functionLines.push(lineOf(node.end) - lineOf(node.getStart()) + 1)
      }
      if (ts.isFunctionDeclaration(node) && isExported(node)) {
        counts.exported++
        counts.documented += ts.getJSDocCommentsAndTags(node).length > 0 ? 1 : 0
      }
      if (ts.isThrowStatement(node) && ts.isNewExpression(node.expression)) {
        const name = node.expression.expression.getText()
        counts[name === 'Error' ? 'bare' : ['TypeError', 'RangeError', 'SyntaxError'].includes(name) ? 'standard' : 'own']++
      }
      counts.any += node.kind === ts.SyntaxKind.AnyKeyword ? 1 : 0
      counts.as += ts.isAsExpression(node) && node.type.getText() !== 'const' ? 1 : 0
      counts.bang += ts.isNonNullExpression(node) ? 1 : 0
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  const sizes = (edges) => circles(edges).map(({ length }) => length).sort((a, b) => b - a)
  const { lines, long, any, as, bang, own, standard, bare, exported, documented } = counts
  return {
    'files / lines': `${modules.size} / ${lines}`,
    'file lines, median / p90 / max': spread(fileLines),
    'function lines, median / p90 / max': spread(functionLines),
    'circles of imports at run time': String(sizes(runtime).length),
    'largest circle, types counted': `${sizes(all)[0] ?? 0} files`,
    'throws: own class / TypeError, RangeError / bare': `${own} / ${standard} / ${bare}`,
    'exported functions with a doc comment': `${Math.round(100 * documented / Math.max(1, exported))} %`,
    [`lines over ${LONG} characters; p90; longest`]: `${(100 * long / lines).toFixed(1)} %; ${quantile(widths, 0.9)}; ${Math.max(...widths)}`,
    '`any` / `as` / `!`': `${any} / ${as} / ${bang}`
  }
}

/** Modules of the tree that loading one takes, itself included */
function loaded (modules, entry) {
  const [seen, queue] = [new Set(), [entry]]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (!modules.has(path) || seen.has(path)) {
      continue
    }
    seen.add(path)
    const file = ts.createSourceFile(path, modules.get(path), ts.ScriptTarget.Latest, false)
    for (const statement of file.statements) {
      const isRuntime = (ts.isImportDeclaration(statement) && statement.importClause?.isTypeOnly !== true) || (ts.isExportDeclaration(statement) && !statement.isTypeOnly)
      isRuntime && statement.moduleSpecifier !== undefined && queue.push(posix.join(posix.dirname(path), statement.moduleSpecifier.text))
    }
  }
  return seen.size
}

const commits = process.argv.length > 2 ? process.argv.slice(2) : ['HEAD']
const columns = commits.map((commit) => {
  const modules = modulesOf(commit)
  return {
    ...measure(modules),
    'modules that loading the codec takes': String(loaded(modules, 'src/codec/codec.ts')),
    'modules that loading the round engine takes': String(loaded(modules, 'src/round/round-engine.ts'))
  }
})
console.log(`| | ${commits.join(' | ')} |\n| --- |${' --- |'.repeat(commits.length)}`)
for (const name of Object.keys(columns[0])) {
  console.log(`| ${name} | ${columns.map((column) => column[name]).join(' | ')} |`)
}
