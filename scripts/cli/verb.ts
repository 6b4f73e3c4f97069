import type { Command } from 'commander'
import { type Cli, openCli, type Surroundings } from './cli.ts'
import { globals } from './common-options.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { flag, type Given, type Options, readOptions } from './options.ts'
import { watch } from './watch.ts'

/** What a verb is and does. `O` are its options, `A` those that it has in common with other verbs of its sort. */
export type VerbSpec<O extends Options, A extends Options> = {
  /** With its operands as commander writes them, such as `show <id>`; missing: the noun itself is the verb. */
  readonly name?: string
  /** Of a noun that is the verb itself: what stands behind it, such as `<id>`. */
  readonly operand?: string
  readonly says: string
  /** Whole command lines, for the help. A test runs each. */
  readonly examples: readonly [string, ...string[]]
  readonly options: O
  readonly also?: A
  /** `--watch` repeats it. */
  readonly isWatchable?: true
  /** Gives the exit code; undefined is 0. */
  run(cli: Cli, given: Given<O> & Given<A>, operands: readonly string[]): Promise<ExitCode | undefined>
}

/** Adds itself to its noun. `ended` is told the exit code. */
export type Verb = (noun: Command, surroundings: Surroundings, ended: (code: ExitCode) => void) => void

const watching = { watch: flag('--watch', 'again and again, until Ctrl-C') }

export function verb<O extends Options, A extends Options = Record<never, never>>(spec: VerbSpec<O, A>): Verb {
  return (noun, surroundings, ended) => {
    const command = spec.name === undefined ? noun : noun.command(spec.name)
    command.description(spec.says)
    if (spec.operand !== undefined) command.argument(spec.operand)
    for (const { option } of [...Object.values(spec.options), ...Object.values(spec.also ?? {})])
      command.addOption(option)
    if (spec.isWatchable) command.addOption(watching.watch.option)
    command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`)
    command.action(async () => {
      const find = (name: string): unknown => command.getOptionValue(name)
      const given = readOptions(spec.options, find, spec.also)
      const { watch: isWatched } = readOptions(watching, find)
      const wishes = readOptions(globals, (name) => rootOf(command).getOptionValue(name))
      const cli = openCli(surroundings, { ...wishes, isWatched })
      const run = () => spec.run(cli, given, command.args)
      ended((isWatched ? await watch(cli, run) : await run()) ?? exitCodes.ok)
    })
  }
}

/** Verbs of a part of a noun, such as `remediation jobs list`. */
export const part =
  (name: string, says: string, verbs: readonly Verb[]): Verb =>
  (noun, surroundings, ended) => {
    const command = noun.command(name).description(says)
    for (const add of verbs) add(command, surroundings, ended)
  }

const rootOf = (command: Command): Command => (command.parent ? rootOf(command.parent) : command)
