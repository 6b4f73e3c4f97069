import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '../../../shared/bus/bus.ts'
import { subscribe } from '../../../shared/bus/consumer.ts'
import { toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { Unrecoverable } from '../../../shared/bus/retry.ts'
import { RuleBook } from '../../../shared/bus/rule-book.ts'
import { noWatcher } from '../../../shared/bus/rules.ts'
import { systemClock } from '../../../shared/clock.ts'
import type { Body } from '../../../shared/events.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { createLog } from '../../../shared/service/log.ts'
import { silentRecorder } from '../../../shared/service/recorder.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { hub } from '../service.ts'

const task = (n: number, tenant: string, objectId: string): Body<'TASK_CREATED'> => ({
  type: 'TASK_CREATED',
  task: { id: `t${n}`, objectId, index: 1, of: 1, tenant },
  object: { id: objectId, tenant, name: `object ${n}`, content: '', createdAt: '2026-01-01T00:00:00.000Z' },
})

/** News of a message that a rule of long ago has set aside: they are what a hub is behind with when much is parked. */
const parked = (n: number): Body<'MESSAGE_PARKED'> => ({
  ...{ type: 'MESSAGE_PARKED', queue: 'process_consume', messageId: `m${n}`, reason: 'long ago', rule: 'old#1' },
  ...{ parkedType: 'TASK_CREATED', parkedKey: 'task-requests' },
})

/**
 * The whole hub on a broker in memory, a processor beside it that fails when it is told to, and an operator with its API. With a `backlog`
 * so many messages wait in the hub's queue, and it gets none of them before `workOff`.
 */
export async function operatedSystem({ backlog = 0 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-hub-'))
  const broker = new MemoryBroker()
  const link = broker.connect({ service: 'processor', plan: topologyPlan('quorum') })
  await link.ready()
  const log = createLog({ service: 'processor', level: 'silent' })
  const about = { broker: link, service: 'processor', clock: systemClock, log }
  const rules = new RuleBook({ ...about, queueType: 'quorum' })
  const bus: Bus = { ...about, recorder: silentRecorder, rules, outcomes: noWatcher }
  const handled: string[] = []
  const broken = { since: undefined as string | undefined }
  const processor = await subscribe(bus, {
    queue: 'process_consume',
    handlers: {
      TASK_CREATED: ({ data }) => {
        if (broken.since !== undefined) throw new Unrecoverable(`${broken.since} of ${data.task.id}`)
        handled.push(data.task.id)
        return []
      },
    },
    retry: { policy: 'linear', retries: 1, minMs: 10, maxMs: 10, factor: 1 },
  })
  // A queue with a single active consumer: while another one has it, the hub stands by.
  const busy = backlog > 0 ? broker.connect({ service: 'busy', plan: topologyPlan('quorum') }) : undefined
  await busy?.ready()
  await busy?.consume('hub_consume', { prefetch: 1 }, () => undefined)
  for (let n = 0; n < backlog; n++) {
    const id = newId(Date.now())
    const about = { id, service: 'someone', correlationId: id, atMs: Date.now() }
    void link.publish({ ...toMessage(parked(n), about), exchange: '', key: 'hub_consume' })
  }
  const env = { EBS_HUB_PORT: '0', EBS_DATA_DIR: folder, EBS_LOG_LEVEL: 'silent' }
  const service = await startService(hub, { env, connect: (options) => broker.connect(options) })
  const messageOf = (body: Body, correlationId: string) =>
    toMessage(body, {
      id: newId(Date.now()),
      service: 'someone',
      correlationId,
      atMs: Date.now(),
      tenant: undefined,
    })
  const say = (body: Body, correlationId: string) => link.publish(messageOf(body, correlationId))
  return {
    /** Ids of tasks, in the order in which they were handled. */
    handled,
    /** From now on each task fails for good with this, until it is undefined. */
    breakWith: (error: string | undefined) => {
      broken.since = error
    },
    say,
    /** Straight to a queue, past the exchange. */
    put: (queue: string, body: Body) => link.publish({ ...messageOf(body, 'any'), exchange: '', key: queue }),
    /** Messages in a queue. */
    waiting: async (queue: string) => (await link.inspect(queue))?.messages ?? 0,
    /** Lets the hub have its queue. */
    workOff: async () => busy?.close(0),
    sayTask: (n: number, tenant: string, objectId = `o${n}`) => say(task(n, tenant, objectId), objectId),
    get: async (url: string) => (await service.http.inject({ method: 'GET', url })).json(),
    post: async (url: string, body: object = {}) => {
      const payload = { actor: 'ann', reason: 'test', ...body }
      const response = await service.http.inject({ method: 'POST', url, payload })
      return { status: response.statusCode, json: response.json() }
    },
    async [Symbol.asyncDispose]() {
      await service.stop()
      await processor.stop(1_000)
      await busy?.close(0)
      await rules.stop()
      await link.close()
      await rm(folder, { recursive: true })
    },
  }
}
