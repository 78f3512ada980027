/**
 * The command line: verbs, flags from the table of settings, help, and the way out
 *
 * No verb is loaded before it is called: help and `status` load neither the network nor a tensor library.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError, Option } from 'commander'
import { addActionHelp } from './action-help.ts'
import { reportError } from './error-report.ts'
import { OutputError, UsageError } from './errors.ts'
import { LOG_ACTIONS } from './log-actions.ts'
import { INVITE_ACTIONS, MEMBERS_ACTIONS } from './members-actions.ts'
import { PRIVACY_ACTIONS } from './privacy-actions.ts'
import { resolveSettings } from './resolve-settings.ts'
import { globalSettings, kebabName, setting, settingsOf, environmentName } from './settings.ts'
import { Terminal } from './terminal.ts'
import type { ActionPages } from './action-help.ts'
import type { RunVerb } from './context.ts'
import type { Verb } from './setting.ts'
import type { SettingName } from './settings.ts'

interface VerbTraits {
  /** Positional arguments, in commander's notation */
  args: string
  help: string
  load: () => Promise<RunVerb>
  /** Words after it that say what to do */
  pages?: ActionPages
}

export const VERBS: Record<Verb, VerbTraits> = {
  init: { args: '', help: 'make the home of a new peer: key, settings, federation', load: async () => (await import('./verbs/init.ts')).init },
  schema: { args: '<file>', help: 'propose the schema of a table: what a federation\'s document would say of it', load: async () => (await import('./verbs/schema.ts')).schema },
  start: { args: '', help: 'run the peer of a home, until it is stopped', load: async () => (await import('./verbs/start.ts')).start },
  join: { args: '<token|address>', help: 'run a peer that joins a federation: with an invitation (a token, its file, or - for standard input), or through the peer at this multiaddr', load: async () => (await import('./verbs/join.ts')).join },
  invite: { args: '[action] [id]', help: 'let a peer in: prints a token that one peer can join with; also invite ls, invite cancel ID', load: async () => (await import('./verbs/invite.ts')).invite, pages: { actions: INVITE_ACTIONS, unnamed: 'new' } },
  members: { args: '[action] [subjects...]', help: 'who belongs, who asks to, and what is decided: list, requests, acts, log, approve, reject, admit, revoke, appoint, dismiss, limit', load: async () => (await import('./verbs/members.ts')).members, pages: { actions: MEMBERS_ACTIONS, unnamed: 'list' } },
  status: { args: '', help: 'how the peer of a home is doing', load: async () => (await import('./verbs/status.ts')).status },
  versions: { args: '[action] [version]', help: 'list the model versions of a home; versions rollback VERSION goes back to one', load: async () => (await import('./verbs/versions.ts')).versions },
  export: { args: '<version> <target>', help: 'write a version as a TensorFlow.js LayersModel, an ONNX or a safetensors file', load: async () => (await import('./verbs/export.ts')).exportVersion },
  evaluate: { args: '[version]', help: 'test a version on the examples of this machine', load: async () => (await import('./verbs/evaluate.ts')).evaluate },
  predict: { args: '<input>', help: 'what a version says of new examples: a table, pictures, texts or arrays as --data takes them, or - for standard input (CSV, or one text)', load: async () => (await import('./verbs/predict.ts')).predict },
  card: { args: '[version]', help: 'a model card of a version, in Markdown', load: async () => (await import('./verbs/card.ts')).card },
  document: { args: '[action] [names...]', help: 'a federation\'s document: explain [FILE or HOME], check FILE, diff A B, template [FILE or HOME] (to write one by hand)', load: async () => (await import('./verbs/document.ts')).document },
  audit: { args: '', help: 'attack the own training, offline: does it leak more than privacy allows?', load: async () => (await import('./verbs/audit.ts')).audit },
  privacy: { args: '[action] [step]', help: 'the privacy budget: show, forecast, plan, ledger, ledger verify, ledger charge', load: async () => (await import('./verbs/privacy.ts')).privacy, pages: { actions: PRIVACY_ACTIONS } },
  log: { args: '[action]', help: 'the audit log of a home: what this peer did about membership, keys and exports; show, verify, export', load: async () => (await import('./verbs/log.ts')).log, pages: { actions: LOG_ACTIONS, unnamed: 'show' } },
  renew: { args: '[peer]', help: 'end the identity of a home whose round numbers are beyond repair', load: async () => (await import('./verbs/renew.ts')).renew }
}

const USAGE = 'GRAPEVINE_E_USAGE'

const EPILOGUE = `
A version is an id, the beginning of one, a round number, "latest" (the newest that neighbours took part in), or "newest".
Settings come from flags, then GRAPEVINE_ variables, then HOME/grapevine.toml.`

/** Runs the command line to its end and leaves the exit code in `process.exitCode` */
export async function main (argv: readonly string[]): Promise<void> {
  const fallback = fallbackTerminal(argv)
  catchBugs(fallback)
  let exitCode: number
  try {
    exitCode = await runCommand(argv)
  } catch (err) {
    exitCode = fail(err, fallback, verbOf(argv))
  }
  process.exitCode = await answered(exitCode, fallback)
  await fallback.flush()
  // a handle that somebody forgot must not keep the process alive
  process.exit()
}

/** The exit code, once all was written: an answer that nobody could be given is no success */
async function answered (exitCode: number, terminal: Terminal): Promise<number> {
  await terminal.flush()
  const { lost } = terminal
  return lost === undefined || exitCode !== 0 ? exitCode : fail(new OutputError(`standard output cannot be written: ${lost.message}`, { cause: lost }), terminal)
}

/** Before the settings are known, or when they are not valid */
function fallbackTerminal (argv: readonly string[]): Terminal {
  const switched = ['1', 'true'].includes(process.env[environmentName('json')] ?? '')
  return new Terminal({
    json: argv.includes('--json') || switched,
    quiet: false,
    verbose: argv.includes('--verbose') || argv.includes('-v'),
    colour: !argv.includes('--no-color'),
    environment: process.env
  })
}

function fail (err: unknown, terminal: Terminal, verb?: Verb): number {
  if (err instanceof CommanderError) {
    if (err.exitCode === 0) {
      return 0
    }
    return fail(new UsageError(usageMessage(err)), terminal, verb)
  }
  const report = reportError(err)
  terminal.error(report.code === USAGE && verb !== undefined ? { ...report, fix: `See grapevine ${verb} --help` } : report, err)
  return report.exit
}

/** The verb whose flags are in question; undefined where none was understood */
function verbOf (argv: readonly string[]): Verb | undefined {
  const word = argv.find((argument) => !argument.startsWith('-'))
  return word !== undefined && Object.hasOwn(VERBS, word) ? word as Verb : undefined
}

/** Two lines of commander's as one */
function usageMessage ({ code, message }: CommanderError): string {
  if (code === 'commander.help') {
    return 'a verb is missing'
  }
  return message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)/, ' (did you mean $1?)')
}

function catchBugs (terminal: Terminal): void {
  const end = (err: unknown): void => {
    const report = reportError(err)
    terminal.error(report, err)
    void terminal.flush().finally(() => process.exit(report.exit))
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}

async function runCommand (argv: readonly string[]): Promise<number> {
  let exitCode = 0
  // the program would take a flag of its own away from the verb
  const ownVersion = argv.some((word) => Object.hasOwn(VERBS, word) && settingsOf(word as Verb).includes('version'))
  const program = buildProgram(async (verb, flags, args) => {
    exitCode = await runVerb(verb, flags, args)
  }, { ownVersion })
  await program.parseAsync([...argv], { from: 'user' })
  return exitCode
}

async function runVerb (verb: Verb, flags: Partial<Record<SettingName, unknown>>, args: readonly string[]): Promise<number> {
  const resolved = await resolveSettings({ flags, environment: process.env, workingDirectory: process.cwd() })
  const { settings } = resolved
  const terminal = new Terminal({
    json: settings.json ?? false,
    quiet: settings.quiet ?? false,
    verbose: settings.verbose ?? false,
    colour: settings.noColor !== true,
    environment: process.env
  })
  const run = await VERBS[verb].load()
  try {
    return await run({ ...resolved, terminal, args })
  } catch (err) {
    return fail(err, terminal, verb)
  } finally {
    await terminal.flush()
  }
}

/**
 * Commander's program; `act` is called with the verb, its flags by setting name, and its arguments. With `ownVersion`
 * the flag --version is the verb's
 */
export function buildProgram (act: (verb: Verb, flags: Partial<Record<SettingName, unknown>>, args: string[]) => Promise<void>, { ownVersion = false } = {}): Command {
  const program = new Command('grapevine')
    .description('Peers that own private data train one model together, without a server')
    .usage('<verb> [settings]')
    .helpOption('-h, --help', 'print help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .addHelpText('after', EPILOGUE)
  if (!ownVersion) {
    program.version(packageVersion(), '--version', 'print the version')
  }
  addOptions(program, globalSettings())
  for (const verb of Object.keys(VERBS) as Verb[]) {
    const { args, help, pages } = VERBS[verb]
    const command = program.command(`${verb} ${args}`.trim()).description(help)
    addOptions(command, settingsOf(verb), verb)
    if (pages !== undefined) {
      addActionHelp(command, pages)
    }
    command.action(async () => {
      await act(verb, flagsOf(command), command.args)
    })
  }
  return program
}

function addOptions (command: Command, names: readonly SettingName[], verb?: Verb): void {
  for (const name of names) {
    const { value, short, list, hidden, helpFor } = setting(name)
    const ownHelp = verb === undefined ? undefined : helpFor?.[verb]
    const { help, shownDefault } = ownHelp === undefined ? setting(name) : { help: ownHelp, shownDefault: undefined }
    const flags = `${short === undefined ? '' : `-${short}, `}--${kebabName(name)}${value === undefined ? '' : ` <${value}>`}`
    const option = new Option(flags, `${help}${shownDefault === undefined ? '' : ` (default: ${shownDefault})`}`)
    if (list === true) {
      option.argParser((given: string, before: string[] | undefined) => [...before ?? [], given])
    }
    command.addOption(option.hideHelp(hidden === true))
  }
}

function flagsOf (command: Command): Partial<Record<SettingName, unknown>> {
  const { color, ...flags } = command.optsWithGlobals<Partial<Record<SettingName, unknown>> & { color?: boolean }>()
  // commander understands --no-color as the opposite of a --color that there is not
  return color === false ? { ...flags, noColor: true } : flags
}

/** From the package.json nearest to this file: it lies in another place before the build */
function packageVersion (): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { version } = JSON.parse(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')) as { version: string }
      return version
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw err
      }
    }
  }
  return 'unknown'
}
