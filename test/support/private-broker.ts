import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { amqpUrlOf, bootNode, choosePorts, managementUrlOf } from '../../scripts/broker/private-node.ts'
import { findRabbitmqServer } from '../../scripts/broker/programs.ts'
import type { Running } from '../../scripts/running.ts'
import { searchPath } from './config.ts'

/** Whether this machine has a `rabbitmq-server` to run a node of one's own with. */
export const hasRabbitmqServer = findRabbitmqServer(searchPath()) !== undefined

/** A broker that belongs to the test: it can be killed and booted again on the same ports with the same data. */
export type PrivateBroker = AsyncDisposable & {
  readonly amqpUrl: string
  /** With user and password. */
  readonly managementUrl: string
  /** Boots it; `settings` of rabbitmq.conf hold for this run only. Resolves when it takes connections. */
  boot(settings?: Readonly<Record<string, string>>): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Makes a broker that is not booted yet, in a folder of its own; on disposal it is killed and its folder removed. */
export async function privateBroker(): Promise<PrivateBroker> {
  const path = searchPath()
  const program = findRabbitmqServer(path)
  if (program === undefined) throw new Error('This machine has no rabbitmq-server.')
  const folder = mkdtempSync(join(tmpdir(), 'ebs-broker-'))
  // The user that the node runs as must get there.
  chmodSync(folder, 0o755)
  const guard = startGuard(folder)
  const place = { folder: join(folder, 'node'), program, path }
  const ports = await choosePorts({})
  let running: Running | undefined
  const kill = async () => {
    await running?.kill()
    running = undefined
  }
  return {
    amqpUrl: amqpUrlOf(ports),
    managementUrl: managementUrlOf(ports),
    async boot(settings = {}) {
      const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`)
      mkdirSync(join(place.folder, 'conf.d'), { recursive: true })
      writeFileSync(join(place.folder, 'conf.d', '90-test.conf'), lines.join(''))
      running = await bootNode(place, ports, new AbortController().signal)
    },
    kill,
    async [Symbol.asyncDispose]() {
      await kill()
      guard.stdin.end()
      await once(guard, 'exit')
    },
  }
}

const guardProgram = join(import.meta.dirname, '..', '..', 'dist', 'test', 'support', 'broker-guard.js')

/** Removes the folder and what runs in it when this process lets go of it or ends, be it by Ctrl-C: a node is nobody's child. */
export const startGuard = (folder: string) =>
  spawn(process.execPath, [guardProgram, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
