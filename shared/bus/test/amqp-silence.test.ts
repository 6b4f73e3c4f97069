import { expect, onTestFinished, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { ClosedError } from '../broker.ts'
import { collect, messageOf, numbers, planOf, publishAll } from './contract-rig.ts'
import { leavingBroker } from './leaving-broker.ts'

const plan = planOf('classic', { work: { hears: ['work'] } })
/** Begins with its class and method; a frame has 7 bytes before and one behind what it says. */
const GET_OK = Buffer.from([0, 60, 0, 71])
/** Some are ready then, so that a get has an answer. */
const BEYOND_A_WINDOW = 100

type Said = (bytes: Buffer) => number | undefined

/** Two heartbeats that do not come are 120 s. */
const FAR_BELOW_ITS_HEARTBEAT_MS = 40_000

/** A service whose broker is behind a wire; by its heartbeat it would notice after minutes that nobody is there. */
async function rig(said: Said = () => undefined) {
  const vhost = await testVhost()
  const wire = await leavingBroker(vhost.url, { said: (bytes) => said(bytes) })
  const bus = connectAmqp(`${wire.url}?heartbeat=60`, { service: 'silent', plan })
  onTestFinished(async () => {
    await bus.close()
    await vhost[Symbol.asyncDispose]()
  })
  await bus.ready()
  return { wire, bus }
}

test(
  'D6: a service whose broker has fallen silent ends its consumers and closes long before a heartbeat would tell',
  async () => {
    const { wire, bus } = await rig()
    const { consumer } = await collect(bus, 'work')
    const publishing = bus.publish(messageOf({ key: 'work' }, 'unconfirmed')).catch((error: unknown) => error)
    wire.hush()

    await consumer.cancel()
    await bus.close(60_000)

    expect(await publishing).toBeInstanceOf(ClosedError)
  },
  FAR_BELOW_ITS_HEARTBEAT_MS,
)

test('D6: what is unconfirmed is waited for no longer than there is somebody to confirm it', async () => {
  const { wire, bus } = await rig()
  wire.hush()
  const publishing = bus.publish(messageOf({ key: 'work' }, 'unconfirmed')).catch((error: unknown) => error)

  const closing = bus.close(60_000)
  wire.cut()
  await closing

  expect(await publishing).toBeInstanceOf(ClosedError)
})

test('who waits for a bus that is closed before it was connected is told so', async () => {
  const bus = connectAmqp('amqp://guest:guest@127.0.0.1:9', { service: 'early', plan })
  const waiting = bus.ready()

  await bus.close()

  await expect(waiting).rejects.toThrow(ClosedError)
})

test('a look through a queue ends when it is lost between the last message and its content', async () => {
  let isCutting = false
  const { bus } = await rig((bytes) => {
    const at = bytes.indexOf(GET_OK)
    if (!isCutting || at < 0) return undefined
    isCutting = false
    return at + bytes.readUInt32BE(at - 4) + 1
  })
  await publishAll(
    bus,
    numbers(BEYOND_A_WINDOW).map((text) => messageOf({ key: 'work' }, text)),
  )
  const browse = await bus.browse('work')
  for await (const { message } of browse ?? []) if (message.body.length > 0) break
  isCutting = true

  await browse?.close()

  expect(isCutting).toBe(false)
})

test('questions about queues wait for the next connection, also when the last was lost while it was set up', async () => {
  let cuts = 0
  let isAway = false
  const { bus, wire } = await rig((bytes) => {
    if (!isAway || (cuts === 0 && !bytes.includes('reply.z'))) return undefined
    cuts++
    return 0
  })
  await bus.listen('reply.z', () => undefined)
  isAway = true
  wire.cut()
  await vi.waitFor(() => expect(cuts).toBeGreaterThan(1), 10_000)

  const looking = bus.inspect('work')
  isAway = false

  expect(await looking).toEqual({ messages: 0, consumers: 0 })
})
