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

/** The whole hub on a broker in memory, a processor beside it that fails when it is told to, and an operator with its API. */
export async function operatedSystem() {
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
  const env = { EBS_HUB_PORT: '0', EBS_DATA_DIR: folder, EBS_LOG_LEVEL: 'silent' }
  const service = await startService(hub, { env, connect: (options) => broker.connect(options) })
  const say = (body: Body, correlationId: string) =>
    link.publish(
      toMessage(body, {
        id: newId(Date.now()),
        service: 'someone',
        correlationId,
        atMs: Date.now(),
        tenant: undefined,
      }),
    )
  return {
    /** Ids of tasks, in the order in which they were handled. */
    handled,
    /** From now on each task fails for good with this, until it is undefined. */
    breakWith: (error: string | undefined) => {
      broken.since = error
    },
    say,
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
      await rules.stop()
      await link.close()
      await rm(folder, { recursive: true })
    },
  }
}
