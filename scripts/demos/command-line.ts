import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inheritedEnvironment } from '../bench/config.ts'

/** The compiled command line, as scripts/ebs starts it. */
const program = fileURLToPath(new URL('../cli/main.js', import.meta.url))

/** Runs `ebs` with these arguments, on our screen below the command as a user would type it; gives its exit code. */
export type Ebs = (...args: readonly string[]) => Promise<number | null>

/** `urls` says where each service answers, by variable. Nobody is asked for anything: it has no terminal to read from. */
export const commandLine =
  (urls: Readonly<Record<string, string>>): Ebs =>
  async (...args) => {
    console.log(`\n$ ebs ${args.map(quoted).join(' ')}`)
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...inheritedEnvironment, ...urls },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    await once(child, 'exit')
    return child.exitCode
  }

/** For a shell: CEL has double quotes and spaces. */
const quoted = (arg: string) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`)
