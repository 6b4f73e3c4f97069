import { z } from 'zod'
import { deadQueueOf, exchanges, unroutedQueue } from '../../shared/topology.ts'
import type { Client } from './client.ts'
import { BY, type Doing } from './doing.ts'
import { HEARD, type System } from './system.ts'

const LOOK_EVERY_MS = 2_500
/** After this whatever is still open is stuck: the longest wait is that of a rule for a job that may be lost, five minutes. */
const SETTLED_MS_MAX = 1_200_000
/** Until then those who started rules and were asked for decisions may do it themselves. */
const PATIENCE_ROUNDS = 1
const ACTS = ['retry', 'skip', 'compensate', 'cancel'] as const

const count = z.object({ n: z.number() })
const OPEN = 'select count(*) as n from conversation_rows where ended_at is null'
const PENDING = 'select count(*) as n from outbox'
const page = z.object({
  items: z.array(
    z.looseObject({ id: z.string(), status: z.string().optional(), acts: z.array(z.string()).optional() }),
  ),
})
type Item = z.infer<typeof page>['items'][number]

/** Queues that hold messages on purpose. */
export const isHold = (queue: string) =>
  queue === HEARD || queue === unroutedQueue || queue === 'ebs.control' || queue.endsWith(deadQueueOf(''))
export const isRung = (queue: string) => queue.startsWith(exchanges.deliver.replace(/deliver$/, ''))

/** Nothing goes wrong any more, and an operator settles what is open until nothing is. False when something stays open. */
export async function settle(system: System, doing: Doing, client: Client): Promise<boolean> {
  system.calm()
  let quiet = 0
  for (let passedMs = 0, round = 0; passedMs < SETTLED_MS_MAX; passedMs += LOOK_EVERY_MS, round++) {
    await system.pass(LOOK_EVERY_MS)
    const why = unsettled(system, doing)
    system.trace.remark(`open: ${why ?? 'nothing'}`)
    quiet = why === undefined ? quiet + 1 : 0
    if (quiet === 2) return true
    if (round > PATIENCE_ROUNDS && round % 2 === 0) {
      const operating = operate(round, doing, client)
      await system.pass(LOOK_EVERY_MS)
      await operating
    }
  }
  system.surprises.push(`still open: ${unsettled(system, doing)}`)
  return false
}

/** What is not at its end yet, in words. */
function unsettled(system: System, doing: Doing): string | undefined {
  if (!system.isWhole || system.outside.state !== 'up') return 'not everybody is there'
  if (doing.asking > 0) return `${doing.asking} requests are not answered`
  const [hub, datagen] = ['hub.db', 'datagen.db'].map((name) => system.files.find(name)?.read)
  if (!hub || !datagen) return 'a store is not open'
  const open = hub.get(count, OPEN)?.n ?? 0
  if (open > 0) return `${open} conversations`
  for (const store of [hub, datagen]) if ((store.get(count, PENDING)?.n ?? 0) > 0) return 'an outbox'
  const full = [...system.queues].find((queue) => !isHold(queue) && !isRung(queue) && system.memory.depth(queue) > 0)
  return full && `${system.memory.depth(full)} messages in ${full}`
}

/** What a person does who wants everything to end: rules are resolved, jobs go on or end, and journeys are decided about. */
async function operate(round: number, doing: Doing, client: Client): Promise<void> {
  const list = async (url: string): Promise<readonly Item[]> => {
    const answer = await client.ask('hub', { method: 'GET', url })
    return answer?.status === 200 ? page.parse(answer.json).items : []
  }
  const post = (url: string, body: object) => client.ask('hub', { method: 'POST', url, body: { ...body, ...BY } })
  if (round <= PATIENCE_ROUNDS + 2) {
    await doing.register('late')
    return
  }
  for (const { id, status } of await list('/api/sidelines?open=true'))
    if (status === 'active') await doing.act(id, 'resolve')
  for (const { id, status } of await list('/api/replays?open=true'))
    if (status === 'paused' || status === 'stopped')
      await post(`/api/replays/${encodeURIComponent(id)}/${round < 20 ? 'resume' : 'cancel'}`, {})
  for (const [n, { id, acts = [] }] of (await list('/api/remediation')).entries()) {
    const wanted = ACTS[(round / 2 + n) % ACTS.length] ?? 'cancel'
    await post(`/api/remediation/${encodeURIComponent(id)}/${acts.includes(wanted) ? wanted : 'cancel'}`, {})
  }
}
