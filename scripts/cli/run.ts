import { Command, CommanderError } from 'commander'
import { ConfigError } from '../../shared/service/errors.ts'
import { ApiError, AwayError } from './api.ts'
import type { Surroundings } from './cli.ts'
import { globals } from './common-options.ts'
import { readCliConfig } from './config.ts'
import { type ExitCode, exitCodes, NotDoneError, UsageError } from './exit-code.ts'
import type { Terminal } from './terminal.ts'
import type { Verb } from './verb.ts'

type Noun = { readonly says: string; readonly load: () => Promise<readonly Verb[]> }

/** What there is to talk about. A noun is loaded when it is used: starting must cost nothing. */
const nouns: Readonly<Record<string, Noun>> = {
  why: {
    says: 'why something is where it is, by its id',
    load: async () => (await import('../commands/why.ts')).verbs,
  },
  status: { says: 'how everything stands', load: async () => (await import('../commands/status.ts')).verbs },
  object: { says: 'objects, and how far they are', load: async () => (await import('../commands/object.ts')).verbs },
  group: { says: 'groups: who waits for whom', load: async () => (await import('../commands/group.ts')).verbs },
  flow: { says: 'flows: calls and their answers', load: async () => (await import('../commands/flow.ts')).verbs },
  journey: {
    says: 'journeys: what they have done, and what they wait for',
    load: async () => (await import('../commands/journey.ts')).verbs,
  },
  definition: {
    says: 'what journeys of a type are made of',
    load: async () => (await import('../commands/definition.ts')).verbs,
  },
  remediation: {
    says: 'journeys that need a person, and what becomes of them',
    load: async () => (await import('../commands/remediation.ts')).verbs,
  },
  timer: { says: 'what is due when', load: async () => (await import('../commands/timer.ts')).verbs },
  sideline: {
    says: 'set messages aside by a rule, and bring them back',
    load: async () => (await import('../commands/sideline.ts')).verbs,
  },
  dead: {
    says: 'messages that will not come back by themselves',
    load: async () => (await import('../commands/dead.ts')).verbs,
  },
  replay: {
    says: 'jobs that bring messages back',
    load: async () => (await import('../commands/replay.ts')).verbs,
  },
  ledger: {
    says: 'what was accepted and where it is now: nothing is lost, or what is',
    load: async () => (await import('../commands/ledger.ts')).verbs,
  },
  audit: {
    says: 'what operators did, and were refused',
    load: async () => (await import('../commands/audit.ts')).verbs,
  },
  topology: {
    says: 'exchanges and queues: as declared, and as the broker has them',
    load: async () => (await import('../commands/topology.ts')).verbs,
  },
  backup: {
    says: 'save what the stores and the broker hold, while everything runs',
    load: async () => (await import('../commands/backup.ts')).verbs,
  },
  restore: {
    says: 'put a backup back, while nothing runs',
    load: async () => (await import('../commands/restore.ts')).verbs,
  },
}

const EPILOGUE = `
Every verb has examples: ebs sideline start --help
Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 not found, 4 partly done.
Where things are: docs/cli.md, and docs/operating.md by what goes wrong.`

const POLL_MS = 500
const WATCH_MS = 2_000

export type Run = { readonly terminal: Terminal } & Partial<Omit<Surroundings, 'terminal'>>

/** Runs one command line; gives the exit code. Never throws: what went wrong is said on `terminal.err`. */
export async function runCli(argv: readonly string[], { terminal, ...rest }: Run): Promise<ExitCode> {
  const surroundings = () => ({
    now: Date.now,
    pollMs: POLL_MS,
    watchMs: WATCH_MS,
    ...rest,
    terminal,
    config: rest.config ?? readCliConfig(),
  })
  try {
    return await parse(argv, terminal, surroundings)
  } catch (error) {
    return tell(error, terminal)
  }
}

async function parse(argv: readonly string[], terminal: Terminal, surroundings: () => Surroundings): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const program = new Command('ebs')
    .description('Look at ebs and act on it.')
    .usage('<noun> <verb> [options]')
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
      getOutHelpWidth: () => terminal.out.columns ?? HELP_COLUMNS,
      getErrHelpWidth: () => terminal.err.columns ?? HELP_COLUMNS,
    })
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showHelpAfterError('Add --help to see what there is.')
    .addHelpText('after', EPILOGUE)
  for (const { option } of Object.values(globals)) program.addOption(option)
  for (const [name, { says }] of Object.entries(nouns)) program.command(name).description(says)
  program.hook('preSubcommand', async (_program, noun) => {
    for (const add of (await nouns[noun.name()]?.load()) ?? [])
      add(noun, surroundings(), (ended) => {
        code = ended
      })
  })
  await program.parseAsync(argv, { from: 'user' })
  return code
}

const HELP_COLUMNS = 100
const WRONG_INPUT: readonly number[] = [400, 413, 415, 422]

/** Says what went wrong; what is a person's business without a stack trace. */
function tell(error: unknown, { err }: Terminal): ExitCode {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  const isKnown = [ApiError, AwayError, ConfigError, NotDoneError, UsageError].some((known) => error instanceof known)
  err.write(
    `${isKnown && error instanceof Error ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  )
  if (error instanceof UsageError || error instanceof ConfigError) return exitCodes.usage
  if (!(error instanceof ApiError)) return exitCodes.failed
  if (error.status === 404) return exitCodes.notFound
  return WRONG_INPUT.includes(error.status) ? exitCodes.usage : exitCodes.failed
}
