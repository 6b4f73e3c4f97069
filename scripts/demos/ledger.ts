import { z } from 'zod'
import { openBusClient } from '../bench/bus-client.ts'

/** What a demo has heard on the bus, counted by itself and not by the product. */
export type Ledger = AsyncDisposable & {
  /** Of a tenant, or of all. */
  tasks(tenant?: string): TaskCounts
  objects(tenant?: string): ObjectCounts
  /** Attempts at tasks of a tenant that began between two times (ms since 1970). */
  startsBetween(tenant: string, fromMs: number, toMs: number): number
  /** How long objects of these tenants took that were made between two times, ms. */
  objectMs(tenants: readonly string[], fromMs: number, toMs: number): readonly number[]
}

/** `again`: said more than once of the same task. */
export type TaskCounts = { readonly sent: number; readonly handled: number; readonly again: number }
export type ObjectCounts = { readonly completed: number; readonly failed: number; readonly again: number }

const run = { taskId: z.string(), objectId: z.string() }
const end = { objectId: z.string(), tenant: z.string(), durationMs: z.number() }
const heard = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('TASK_CREATED'),
    task: z.object({ id: z.string(), objectId: z.string(), tenant: z.string() }),
  }),
  z.object({ type: z.literal('TASK_STARTED'), ...run }),
  z.object({ type: z.literal('TASK_FINISHED'), ...run }),
  z.object({ type: z.literal('OBJECT_COMPLETED'), ...end }),
  z.object({ type: z.literal('OBJECT_FAILED'), ...end }),
])
const keys = ['task-requests', 'tasks.started', 'tasks.finished', 'objects.completed', 'objects.failed']

type End = z.infer<z.ZodObject<typeof end>> & { readonly isCompleted: boolean; readonly atMs: number }

/** Hears everything about tasks and objects from now on. */
export async function openLedger(amqpUrl: string): Promise<Ledger> {
  const tenantOfTask = new Map<string, string>()
  const tenantOfObject = new Map<string, string>()
  const starts: { readonly objectId: string; readonly atMs: number }[] = []
  const finishes: string[] = []
  const ends: End[] = []
  const client = await openBusClient(amqpUrl)
  await client.hear(keys, heard, (event) => {
    const atMs = Date.now()
    if (event.type === 'TASK_CREATED') {
      tenantOfTask.set(event.task.id, event.task.tenant)
      tenantOfObject.set(event.task.objectId, event.task.tenant)
    } else if (event.type === 'TASK_STARTED') starts.push({ objectId: event.objectId, atMs })
    else if (event.type === 'TASK_FINISHED') finishes.push(event.taskId)
    else ends.push({ ...event, isCompleted: event.type === 'OBJECT_COMPLETED', atMs })
  })
  const isOf = (tenant: string | undefined, found: string | undefined) => tenant === undefined || tenant === found
  return {
    tasks(tenant) {
      const sent = [...tenantOfTask.values()].filter((found) => isOf(tenant, found)).length
      const finished = finishes.filter((id) => isOf(tenant, tenantOfTask.get(id)))
      const handled = new Set(finished).size
      return { sent, handled, again: finished.length - handled }
    },
    objects(tenant) {
      const own = ends.filter((one) => isOf(tenant, one.tenant))
      const completed = new Set(own.filter(({ isCompleted }) => isCompleted).map(({ objectId }) => objectId)).size
      const ended = new Set(own.map(({ objectId }) => objectId)).size
      return { completed, failed: ended - completed, again: own.length - ended }
    },
    startsBetween: (tenant, fromMs, toMs) =>
      starts.filter(({ objectId, atMs }) => atMs >= fromMs && atMs <= toMs && tenantOfObject.get(objectId) === tenant)
        .length,
    objectMs: (tenants, fromMs, toMs) =>
      ends
        .filter(({ tenant, atMs, durationMs }) => {
          const madeMs = atMs - durationMs
          return tenants.includes(tenant) && madeMs >= fromMs && madeMs < toMs
        })
        .map(({ durationMs }) => durationMs),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
