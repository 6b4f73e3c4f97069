import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { probeAmqp } from '../../shared/bus/probe.ts'
import { findFreePort, isPortFree } from '../broker/free-port.ts'
import { readNodeState, writeNodeState } from '../broker/node-state.ts'
import { findLeftover, openNode, takeLeftover } from '../broker/open-node.ts'
import { choosePorts, killOwnNode, type NodePlace } from '../broker/private-node.ts'
import { findRabbitmqServer } from '../broker/programs.ts'
import { isAlive } from '../processes.ts'
import { superviseSystem } from '../supervisor.ts'

/** A boot takes 5 to 8 s on an idle machine, and a test boots up to three times. */
const TEST_MS_MAX = 240_000
/** Linux; of others it is higher. */
const FIRST_EPHEMERAL_PORT = 32_768
const PATIENCE = { timeout: 120_000, interval: 100 }

const guardProgram = join(import.meta.dirname, '..', '..', 'dist', 'test', 'support', 'broker-guard.js')
const program = findRabbitmqServer(['/usr/sbin', '/usr/local/sbin', '/opt/rabbitmq/sbin'])
const { signal } = new AbortController()

/** A place for a node. A guard outlives this process and removes it with whatever still runs there. */
function temporaryPlace(): NodePlace & AsyncDisposable {
  const folder = mkdtempSync(join(tmpdir(), 'ebs node '))
  chmodSync(folder, 0o755)
  const guard = spawn(process.execPath, [guardProgram, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  return {
    folder: join(folder, 'node'),
    program: program ?? '',
    path: [],
    async [Symbol.asyncDispose]() {
      guard.stdin.end()
      await once(guard, 'exit')
    },
  }
}

/** Makes a durable queue, or asks whether it is there; gives the status. */
async function keptQueue(managementUrl: string | undefined, method: 'PUT' | 'GET'): Promise<number> {
  const response = await fetch(`${new URL(managementUrl ?? '').origin}/api/queues/%2f/kept`, {
    method,
    headers: { authorization: `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' },
    ...(method === 'PUT' && { body: JSON.stringify({ durable: true }) }),
  })
  return response.status
}

const pidIn = (place: NodePlace) => readNodeState(place.folder)?.pid ?? 0

describe.runIf(program)('a private node', { timeout: TEST_MS_MAX }, () => {
  test('is taken over when its supervisor was killed, and only used while that one lives; it leaves nothing running, keeps its data between runs, and is started again by its supervisor, on the same ports, when it was killed', async () => {
    await using place = temporaryPlace()
    const first = await openNode(place, {}, signal)
    const firstPid = pidIn(place)
    const ports = readNodeState(place.folder)?.ports
    expect(await keptQueue(first.managementUrl, 'PUT')).toBe(201)
    const ofSomebodyElse = async (owner: number) => {
      const state = findLeftover(place.folder)
      if (!state) throw new Error('The node is not found.')
      writeNodeState(place.folder, { ...state, owner })
      return takeLeftover(place, { ...state, owner }, signal)
    }
    const passerBy = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])

    const used = await ofSomebodyElse(passerBy.pid ?? 0)
    expect(used).toMatchObject({ amqpUrl: first.amqpUrl, isUp: true })
    expect(used?.owned).toBeUndefined()

    passerBy.kill('SIGKILL')
    await once(passerBy, 'exit')
    const taken = await ofSomebodyElse(passerBy.pid ?? 0)
    expect(taken).toMatchObject({ amqpUrl: first.amqpUrl, isUp: true })
    expect(readNodeState(place.folder)?.owner).toBe(process.pid)

    await taken?.owned?.running.stop()
    expect(isAlive(firstPid)).toBe(false)
    for (const port of Object.values(ports ?? {})) expect(await isPortFree(port)).toBe(true)
    expect(readNodeState(place.folder)).toBeUndefined()

    const second = await openNode(place, {}, signal)
    expect(await keptQueue(second.managementUrl, 'GET')).toBe(200)
    const said: string[] = []
    const backoff = { firstMs: 50, maxMs: 1_000, steadyMs: 60_000 }
    const system = superviseSystem({ services: [], broker: second.owned, say: (line) => said.push(line), backoff })
    // Also when this fails, and before the place goes: or it would start the node again.
    await using _supervised = { [Symbol.asyncDispose]: () => system.kill() }
    const secondPid = pidIn(place)

    process.kill(secondPid, 'SIGKILL')

    await vi.waitFor(() => expect(said).toHaveLength(1), PATIENCE)
    await vi.waitFor(async () => expect(await probeAmqp(second.amqpUrl)).toBe('ok'), PATIENCE)
    await vi.waitFor(async () => expect(await keptQueue(second.managementUrl, 'GET')).toBe(200), PATIENCE)
    const thirdPid = pidIn(place)
    expect(thirdPid).not.toBe(secondPid)
    await system.stop()
    expect(isAlive(thirdPid)).toBe(false)
    expect(findLeftover(place.folder)).toBeUndefined()
  })

  test.each([
    { how: 'the wait is given up', end: (_folder: string, giveUp: AbortController) => giveUp.abort() },
    { how: 'it is killed', end: (folder: string) => killOwnNode(folder) },
  ])('is not left half started when $how', async ({ end }) => {
    await using place = temporaryPlace()
    const giveUp = new AbortController()
    const opening = openNode(place, {}, giveUp.signal)
    const rejected = expect(opening).rejects.toThrow()
    await vi.waitFor(() => expect(pidIn(place)).toBeGreaterThan(0), PATIENCE)
    const pid = pidIn(place)

    await end(place.folder, giveUp)

    await rejected
    expect(isAlive(pid)).toBe(false)
    expect(readNodeState(place.folder)).toBeUndefined()
    expect(findLeftover(place.folder)).toBeUndefined()
  })
})

describe('the ports of a private node', () => {
  test('are the preferred ones where these are free', async () => {
    const free = await findFreePort()

    expect(await choosePorts({ amqp: free })).toMatchObject({ amqp: free })
  })

  test('are none that the system would hand out to somebody else meanwhile', async () => {
    const ports = await choosePorts({})

    for (const port of Object.values(ports)) expect(port).toBeLessThan(FIRST_EPHEMERAL_PORT)
    expect(new Set(Object.values(ports)).size).toBe(4)
  })

  test('are others where these are taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
    const address = server.address()
    const taken = typeof address === 'object' ? (address?.port ?? 0) : 0

    expect((await choosePorts({ amqp: taken })).amqp).not.toBe(taken)
    server.close()
  })
})
