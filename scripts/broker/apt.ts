import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { say, showProgress } from '../progress.ts'
import { findProgram } from './programs.ts'

const run = promisify(execFile)

/** Debian asks this script whether a package may start its service; 101 means no. */
const policy = '#!/bin/sh\nexit 101\n'
const OUTPUT_BYTES_MAX = 10_000_000
const OUTPUT_LINES_SHOWN = 20

/** What it takes to install a package here: the programs, and how to run them as root. */
export type Apt = { readonly aptGet: string; readonly asRoot: readonly string[]; readonly policyFile: string }

/** Undefined where there is no apt-get, or no right to use it without being asked for a password. */
export async function findApt(path: readonly string[], policyFile = '/usr/sbin/policy-rc.d'): Promise<Apt | undefined> {
  const aptGet = findProgram('apt-get', path)
  if (aptGet === undefined) return undefined
  if (process.getuid?.() === 0) return { aptGet, asRoot: [], policyFile }
  const sudo = findProgram('sudo', path)
  if (sudo === undefined) return undefined
  const asRoot = [sudo, '-n']
  return (await isAllowed(asRoot)) ? { aptGet, asRoot, policyFile } : undefined
}

const isAllowed = ([sudo = '', ...args]: readonly string[]) =>
  run(sudo, [...args, 'true']).then(
    () => true,
    () => false,
  )

/** Installs Debian's rabbitmq-server without starting the service that comes with it: ebs runs a node of its own. */
export async function installRabbitmq(apt: Apt, signal: AbortSignal): Promise<void> {
  say('no RabbitMQ on this machine: installing the package rabbitmq-server with apt-get')
  await installPackage(apt, 'rabbitmq-server', signal)
}

/** Installs a package of Debian's. Throws with the last lines of what apt-get said. */
export async function installPackage(apt: Apt, name: string, signal: AbortSignal): Promise<void> {
  const apply = (title: string, ...command: string[]) => showProgress(title, asRoot(apt, command, signal))
  await apply('apt-get update', apt.aptGet, 'update')
  await using _ = await denyServices(apt)
  await apply(`apt-get install ${name}`, apt.aptGet, 'install', '-y', '--no-install-recommends', name)
}

/** Keeps packages from starting their services, as long as nobody has set a policy for that already. */
async function denyServices(apt: Apt): Promise<AsyncDisposable> {
  if (existsSync(apt.policyFile)) return { [Symbol.asyncDispose]: async () => {} }
  // A folder of our own: a name that others can guess in /tmp could be somebody's link when root copies it.
  const own = mkdtempSync(join(tmpdir(), 'ebs-policy-'))
  const script = join(own, 'policy-rc.d')
  writeFileSync(script, policy)
  await asRoot(apt, ['install', '-m', '755', script, apt.policyFile])
  rmSync(own, { recursive: true })
  return { [Symbol.asyncDispose]: () => asRoot(apt, ['rm', '-f', apt.policyFile]) }
}

async function asRoot(apt: Apt, command: readonly string[], signal?: AbortSignal): Promise<void> {
  // Through `env`, because sudo passes no variables on; it keeps apt-get from asking questions.
  const [program = '', ...args] = [...apt.asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command]
  try {
    await run(program, args, { maxBuffer: OUTPUT_BYTES_MAX, ...(signal && { signal }) })
  } catch (error) {
    throw new Error(`${command.join(' ')} failed:\n${lastLines(error)}`, { cause: error })
  }
}

function lastLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.trimEnd().split('\n').slice(-OUTPUT_LINES_SHOWN).join('\n')
}
