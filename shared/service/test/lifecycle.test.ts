import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { TopologyDriftError } from '../../bus/broker.ts'
import { type Env, readServiceConfig, type ServiceConfig } from '../config.ts'
import { runService, startService } from '../lifecycle.ts'
import { createLog } from '../log.ts'
import type { RunningService, ServiceContext, ServiceDefinition } from '../service.ts'
import { FakeBroker } from './fake-broker.ts'

const plan = { exchanges: [], queues: [], bindings: [] }
const releases: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

type Start = (context: ServiceContext<ServiceConfig>) => Promise<RunningService>

/** Waits for the broker, then runs; `stop` adds a line to what happened. */
const waitsForBroker =
  (happened: string[]): Start =>
  async ({ connect, http }) => {
    http.get('/hello', () => 'hello')
    await connect(plan).ready()
    return { stop: async () => void happened.push('stopped') }
  }

function service(start: Start): ServiceDefinition<ServiceConfig> {
  const config = (env?: Env) => readServiceConfig({ name: 'example', port: 0, own: {} }, env)
  return { name: 'example', title: 'Example', config, start }
}

/** Runs a service as its process would, with signals, exit and stderr of our own. */
function run(start: Start, env: Env = {}) {
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

async function started(start: Start, env: Env = {}) {
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
async function listening() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no address')
  return { port: address.port, close: () => new Promise((resolve) => server.close(resolve)) }
}

const statusOf = async (url: string) => (await fetch(url)).status

test('D4: a service that waits for its broker is alive, not ready, and closed for business', async () => {
  const { port, close } = await listening()
  await close()
  const url = `http://127.0.0.1:${port}`
  const { broker, done } = run(waitsForBroker([]), { EBS_EXAMPLE_PORT: String(port) })
  await vi.waitFor(async () => expect(await statusOf(`${url}/health/live`)).toBe(200))

  const paths = ['/health/live', '/health/ready', '/hello', '/metrics']
  const before = await Promise.all(paths.map((path) => statusOf(url + path)))
  const missing = await (await fetch(`${url}/health/ready`)).text()
  const refused = await fetch(`${url}/hello`)
  broker.become('up')
  await done
  const after = await Promise.all(paths.map((path) => statusOf(url + path)))
  broker.become('blocked')
  const blocked = await (await fetch(`${url}/health/ready`)).text()

  expect(before).toEqual([200, 503, 503, 200])
  expect(missing).toContain('service: starting; broker: no connection yet')
  expect([refused.headers.get('retry-after'), await refused.text()]).toEqual([
    '1',
    expect.stringContaining('is starting'),
  ])
  expect(after).toEqual([200, 200, 200, 200])
  expect(blocked).toContain('memory or disk alarm')
})

describe('D6: it stops in order with exit 0', () => {
  test.each(['SIGTERM', 'SIGINT', 'disconnect'])('at %s', async (event) => {
    const happened: string[] = []
    const { broker, events, exits, done, exited } = run(waitsForBroker(happened))
    broker.become('up')
    await done

    events.emit(event)
    await exited()

    expect([exits, happened, broker.closes]).toEqual([[0], ['stopped'], 1])
  })

  test('while it still waits for the broker', async () => {
    const { broker, events, exits, exited } = run(waitsForBroker([]))
    await vi.waitFor(() => expect(broker.listeners).toBe(1))

    events.emit('SIGTERM')
    await exited()

    expect([exits, broker.closes]).toEqual([[0], 1])
  })

  test('requests under way are answered before the service stops; later ones are told to come back', async () => {
    const happened: string[] = []
    const answer = new EventEmitter()
    const { running } = await started(async ({ http }) => {
      http.get('/slow', async () => {
        answer.emit('asked')
        await once(answer, 'go')
        happened.push('answered')
        return 'done'
      })
      return { stop: async () => void happened.push('stopped') }
    })
    const asked = once(answer, 'asked')
    const slow = fetch(`${running.url}/slow`)
    await asked

    const stopped = running.stop()
    const later = await fetch(`${running.url}/slow`)
    answer.emit('go')

    expect([later.status, later.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await (await slow).text()).toBe('done')
    expect(await stopped).toBe('clean')
    expect(happened).toEqual(['answered', 'stopped'])
    await expect(fetch(running.url)).rejects.toThrow()
  })
})

test('a request that never ends gets half of the time, and then does not keep the rest from stopping', async () => {
  const asked = new EventEmitter()
  const happened: string[] = []
  const start: Start = async ({ http }) => {
    http.get('/stuck', () => {
      asked.emit('asked')
      return new Promise(() => {})
    })
    return { stop: async () => void happened.push('stopped') }
  }
  const { running } = await started(start, { EBS_SHUTDOWN_TIMEOUT_MS: '400' })
  const reached = once(asked, 'asked')
  const cutOff = expect(fetch(`${running.url}/stuck`)).rejects.toThrow()
  await reached

  expect(await running.stop()).toBe('clean')
  expect(happened).toEqual(['stopped'])
  await cutOff
})

test('a stop that takes too long ends with 1 and says where it hung', async () => {
  const never = new Promise<void>(() => {})
  const { events, exits, lines, done, exited } = run(async () => ({ stop: () => never }), {
    EBS_SHUTDOWN_TIMEOUT_MS: '100',
  })
  await done

  events.emit('SIGTERM')
  await exited()

  expect(exits).toEqual([1])
  expect(lines.join('')).toContain('cut off at \\"stop the service\\"')
})

test('a step that fails does not keep the others from stopping, and ends with 1', async () => {
  const { broker, events, exits, lines, done, exited } = run(async ({ connect }) => {
    connect(plan)
    return { stop: () => Promise.reject(new Error('disk is full')) }
  })
  await done

  events.emit('SIGTERM')
  await exited()

  expect([exits, broker.closes]).toEqual([[1], 1])
  expect(lines.join('')).toContain('disk is full')
})

test('the same signal again ends at once; Ctrl-C with the SIGTERM of a supervisor is one wish', async () => {
  const never = new Promise<void>(() => {})
  const { events, exits, done } = run(async () => ({ stop: () => never }), { EBS_SHUTDOWN_TIMEOUT_MS: '100' })
  await done

  events.emit('SIGINT')
  events.emit('SIGTERM')
  events.emit('disconnect')
  const afterBoth = [...exits]
  events.emit('SIGINT')

  expect([afterBoth, exits]).toEqual([[], [1]])
  await vi.waitFor(() => expect(exits).toHaveLength(2))
})

describe('a service that cannot start', () => {
  test('prints every mistake of the configuration and ends with 2', async () => {
    const { exits, printed, done } = run(waitsForBroker([]), { EBS_PREFETCH: 'x', EBS_QUEUE_TYPE: 'y' })
    await done

    expect(exits).toEqual([2])
    expect(printed.join('')).toMatch(/EBS_PREFETCH is "x"(.|\n)*EBS_QUEUE_TYPE is "y"/)
  })

  test('names the variable of a taken port and ends with 2', async () => {
    const other = await listening()
    releases.push(other.close)
    const { exits, printed, done } = run(waitsForBroker([]), { EBS_EXAMPLE_PORT: String(other.port) })
    await done

    expect(exits).toEqual([2])
    expect(printed.join('')).toContain(
      `Port ${other.port} on 127.0.0.1 is taken by another program. Set EBS_EXAMPLE_PORT`,
    )
  })

  test('D8: prints how the topology differs, without a stack, and ends with 1', async () => {
    const { broker, exits, printed, done } = run(waitsForBroker([]))
    await vi.waitFor(() => expect(broker.listeners).toBe(1))
    const drift = {
      kind: 'queue',
      name: 'statistics',
      argument: 'x-queue-type',
      wanted: 'quorum',
      found: 'classic',
    } as const
    broker.refuse(new TopologyDriftError([drift]))
    await done

    expect(exits).toEqual([1])
    expect(printed.join('')).toContain('queue statistics: x-queue-type is classic, this version of ebs wants quorum')
    expect(printed.join('')).not.toContain('.ts:')
  })

  test('also when it does not wait for the broker itself', async () => {
    const { broker, exits, printed, done, exited } = run(async ({ connect }) => {
      connect(plan)
      return { stop: async () => {} }
    })
    await done
    broker.refuse(new TopologyDriftError([]))
    await exited()

    expect([exits, printed.length]).toEqual([[1], 1])
  })

  test('also when its start waits for something else that never comes', async () => {
    const never = new Promise<RunningService>(() => {})
    const start: Start = ({ connect }) => {
      connect(plan)
      return never
    }
    const { broker, exits, printed, done } = run(start, { EBS_SHUTDOWN_TIMEOUT_MS: '100' })
    await vi.waitFor(() => expect(broker.listeners).toBe(1))
    broker.refuse(new TopologyDriftError([]))
    await done

    expect([exits, printed.length, broker.closes]).toEqual([[1], 1, 1])
  })

  test('logs any other error with its stack and ends with 1', async () => {
    const { broker, exits, lines, done } = run(({ connect }) => {
      connect(plan)
      return Promise.reject(new Error('no such table'))
    })
    await done

    expect([exits, broker.closes]).toEqual([[1], 1])
    expect(lines.join('')).toMatch(/"level":"fatal".*no such table.*stack/)
  })

  test('leaves nothing behind when it was started inside another process', async () => {
    const broker = new FakeBroker()
    const { port, close } = await listening()
    await close()
    const definition = service(async ({ connect }) => {
      connect(plan)
      throw new Error('no such table')
    })
    const log = createLog({ service: 'example', level: 'silent' })
    const starting = startService(definition, { connect: () => broker, env: { EBS_EXAMPLE_PORT: String(port) }, log })

    await expect(starting).rejects.toThrow('no such table')
    expect(broker.state).toBe('closed')
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow()
  })
})

test.each(['uncaughtException', 'unhandledRejection'])('an %s is logged and ends with 1', async (event) => {
  const { events, exits, lines, done } = run(async () => ({ stop: async () => {} }))
  await done

  events.emit(event, new Error('a bug'))

  expect(exits).toEqual([1])
  expect(lines.join('')).toMatch(/"level":"fatal".*a bug/)
  events.emit('SIGTERM')
  await vi.waitFor(() => expect(exits).toHaveLength(2))
})

test('whether the broker is there is a metric', async () => {
  const { running, broker } = await started(async ({ connect }) => {
    connect(plan)
    return { stop: async () => {} }
  })
  const metric = async () => /^ebs_broker_up (\d)$/m.exec(await (await fetch(`${running.url}/metrics`)).text())?.[1]

  const up = await metric()
  broker.become('connecting')

  expect([up, await metric()]).toEqual(['1', '0'])
})
