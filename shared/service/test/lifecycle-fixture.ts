import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, expect, vi } from 'vitest'
import { type Env, readServiceConfig, type ServiceConfig } from '../config.ts'
import { runService, startService } from '../lifecycle.ts'
import { createLog } from '../log.ts'
import type { RunningService, ServiceContext, ServiceDefinition } from '../service.ts'
import { FakeBroker } from './fake-broker.ts'

export const plan = { exchanges: [], queues: [], bindings: [] }
/** What a test has started, ended after it in reverse order. */
export const releases: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

export type Start = (context: ServiceContext<ServiceConfig>) => Promise<RunningService>

/** Waits for the broker, then runs; `stop` adds a line to what happened. */
export const waitsForBroker =
  (happened: string[]): Start =>
  async ({ connect, http }) => {
    http.get('/hello', () => 'hello')
    await connect(plan).ready()
    return { stop: async () => void happened.push('stopped') }
  }

/** A service that does what `start` says. */
export function service(start: Start): ServiceDefinition<ServiceConfig> {
  const config = (env?: Env) => readServiceConfig({ name: 'example', port: 0, own: {} }, env)
  return { name: 'example', title: 'Example', config, start }
}

/** Runs a service as its process would, with signals, exit and stderr of our own. */
export function run(start: Start, env: Env = {}) {
  const broker = new FakeBroker()
  const events = new EventEmitter()
  const exits: number[] = []
  const printed: string[] = []
  const lines: string[] = []
  const log = createLog({ service: 'example', level: 'debug', destination: { write: (line) => void lines.push(line) } })
  const done = runService(
    service(start),
    { connect: () => broker, env: { EBS_EXAMPLE_PORT: '0', ...env }, log },
    { events, exit: (code) => void exits.push(code), print: (text) => void printed.push(text) },
  )
  const exited = () => vi.waitFor(() => expect(exits.length).toBeGreaterThan(0))
  releases.push(async () => {
    if (exits.length === 0) events.emit('SIGTERM')
    await exited()
  })
  return { broker, events, exits, printed, lines, done, exited }
}

/** A service that runs, on a broker that is up. */
export async function started(start: Start, env: Env = {}) {
  const broker = new FakeBroker()
  broker.become('up')
  const log = createLog({ service: 'example', level: 'silent' })
  const running = await startService(service(start), {
    connect: () => broker,
    env: { EBS_EXAMPLE_PORT: '0', ...env },
    log,
  })
  releases.push(running.stop)
  return { running, broker }
}

/** A listening server, and its port. */
export async function listening() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no address')
  return { port: address.port, close: () => new Promise((resolve) => server.close(resolve)) }
}

export const statusOf = async (url: string) => (await fetch(url)).status
