import { EventEmitter, once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { listening, plan, run, type Start, started, statusOf, waitsForBroker } from './lifecycle-fixture.ts'
import { AUDIENCE, ISSUER, keyFile, signingKey } from './token-fixture.ts'

test('D4: a service that waits for its broker is alive, not ready, and closed for business', async () => {
  const { port, close } = await listening()
  await close()
  const url = `http://127.0.0.1:${port}`
  const { broker, done } = run(waitsForBroker([]), { EBS_EXAMPLE_PORT: String(port) })
  // The first service of a process, and the first request, take as long as their libraries take to load.
  await vi.waitFor(async () => expect(await statusOf(`${url}/health/live`)).toBe(200), { timeout: 10_000 })

  const paths = ['/health/live', '/health/ready', '/health/serving', '/hello', '/metrics']
  const before = await Promise.all(paths.map((path) => statusOf(url + path)))
  const missing = await (await fetch(`${url}/health/ready`)).text()
  const refused = await fetch(`${url}/hello`)
  broker.become('up')
  await done
  const after = await Promise.all(paths.map((path) => statusOf(url + path)))
  broker.become('blocked')
  const blocked = await (await fetch(`${url}/health/ready`)).text()
  broker.become('connecting')
  const lost = await (await fetch(`${url}/health/ready`)).text()

  expect(before).toEqual([200, 503, 503, 503, 200])
  expect(missing).toContain('service: starting; broker: no connection yet')
  expect([refused.headers.get('retry-after'), await refused.text()]).toEqual([
    '1',
    expect.stringContaining('is starting'),
  ])
  expect(after).toEqual([200, 200, 200, 200, 200])
  expect(blocked).toContain('memory or disk alarm')
  expect(lost).toMatch(/broker: lost the broker at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; connecting again/)
})

test('it is serving since it was ready for the first time, over an outage of the broker, until it stops', async () => {
  const answer = new EventEmitter()
  const { broker, events, done, exited, lines } = run(async ({ connect, http }) => {
    http.get('/slow', async () => (await once(answer, 'go')).at(0))
    await connect(plan).ready()
    return { stop: async () => undefined }
  })
  broker.become('up')
  await done
  const url = /"url":"([^"]+)"/.exec(lines.join(''))?.[1]
  broker.become('connecting')
  const neverReady = await statusOf(`${url}/health/serving`)
  broker.become('up')
  const ready = await statusOf(`${url}/health/serving`)
  broker.become('connecting')
  const outage = await Promise.all(['ready', 'serving'].map((path) => statusOf(`${url}/health/${path}`)))

  // A request under way keeps the server open while the service stops.
  const slow = statusOf(`${url}/slow`)
  await vi.waitFor(() => expect(answer.listenerCount('go')).toBe(1))
  events.emit('SIGTERM')
  const stopping = await statusOf(`${url}/health/serving`)
  answer.emit('go', 'done')
  await Promise.all([slow, exited()])

  expect([neverReady, ready, outage, stopping]).toEqual([503, 200, [503, 200], 503])
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

describe('A1: with EBS_AUTH=jwt a service asks for tokens', () => {
  const sayHello: Start = async ({ http }) => {
    http.get('/hello', () => 'hello')
    return { stop: async () => {} }
  }
  const asking = async (host: string) => {
    const { jwk } = await signingKey('k')
    const env = {
      EBS_AUTH: 'jwt',
      EBS_AUTH_ISSUER: ISSUER,
      EBS_AUTH_AUDIENCE: AUDIENCE,
      EBS_AUTH_JWKS: keyFile(jwk).file,
    }
    const { running } = await started(sayHello, { ...env, EBS_HOST: host })
    const url = running.url.replace('0.0.0.0', '127.0.0.1')
    return [await statusOf(`${url}/hello`), await statusOf(`${url}/health/live`)]
  }

  test('where other machines can call', async () => {
    expect(await asking('0.0.0.0')).toEqual([401, 200])
  })

  test('but not on loopback: whoever is on this machine needs none', async () => {
    expect(await asking('127.0.0.1')).toEqual([200, 200])
  })
})
