import { z } from 'zod'
import { parkingQueueOf } from '../../shared/topology.ts'
import type { HeardMessage } from './onlooker.ts'
import type { HandMade, System } from './system.ts'
import type { TestVhost } from './vhost.ts'

const CREATED_AT = '2026-01-01T00:00:00.000Z'

/** A task as a person would paste it: without properties, so that its content alone says what it is. */
export function taskMessage(tenant: string, n: number): HandMade {
  const [id, objectId] = [`${tenant}-${n}`, `${tenant}-object-${n}`]
  const object = { id: objectId, tenant, name: id, content: '', createdAt: CREATED_AT }
  const task = { id, objectId, index: 1, of: 1, tenant }
  return { key: 'task-requests', body: { type: 'TASK_CREATED', task, object } }
}

/** Tasks of a tenant by hand, numbered from `from` to `to`. */
export const taskMessages = (tenant: string, from: number, to: number): readonly HandMade[] =>
  Array.from({ length: to - from + 1 }, (_, i) => taskMessage(tenant, from + i))

export const tenantsOf = (heard: readonly HeardMessage[]) => new Set(heard.map(tenantOf))
/** Of these tenants. */
export const ofTenants = (heard: readonly HeardMessage[], ...tenants: readonly string[]) =>
  heard.filter((one) => tenants.includes(String(tenantOf(one))))
export const tenantOf = ({ headers }: HeardMessage) => headers['x-ebs-tenant']

const counts = { created: z.number(), started: z.number(), finished: z.number() }
const taskSums = z.object({ tenant: z.string().nullable(), ...counts })
const TASKS = `select tenant, count(created_at) as created, count(started_at) as started, count(finished_at) as finished
  from tasks group by tenant`
type TaskCounts = Omit<z.output<typeof taskSums>, 'tenant'>

/** Tasks that were created, started and finished, by tenant. */
export async function tasksByTenant(system: System): Promise<Readonly<Record<string, TaskCounts>>> {
  const rows = await system.rows(taskSums, TASKS)
  return Object.fromEntries(rows.map(({ tenant, ...sums }) => [tenant ?? '', sums]))
}

/** Messages in the parking queue of a rule. Each look counts as a delivery and may change what others see of the queue at that moment. */
export const depthOf = (vhost: TestVhost, rule: string, queue = 'process_consume') =>
  vhost.depth(parkingQueueOf(rule, queue))

const queueNames = z.array(z.object({ name: z.string() }))

/** Parking queues that there are, of these rules if any is named. */
export async function parkingQueues(
  { management, name }: TestVhost,
  ...rules: readonly string[]
): Promise<readonly string[]> {
  const prefixes = rules.length > 0 ? rules.map((rule) => parkingQueueOf(rule, '')) : ['ebs.sideline.']
  const listed = queueNames.parse(await management('GET', `/api/queues/${name}?columns=name`))
  return listed.map((one) => one.name).filter((one) => prefixes.some((prefix) => one.startsWith(prefix)))
}

const started = z.object({ taskId: z.string() })

/** Ids of the tasks that were started, in order; one that was tried several times is there several times. */
export const startedTasks = (heard: readonly HeardMessage[]) => heard.map(({ body }) => started.parse(body).taskId)
