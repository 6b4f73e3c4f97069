import { z } from 'zod'
import type { Api } from '../cli/api.ts'

const totals = z.looseObject({
  tasks_created: z.number(),
  tasks_finished: z.number(),
  tasks_failed: z.number(),
  objects_completed: z.number(),
  objects_failed: z.number(),
  messages_dead: z.number(),
  messages_parked: z.number(),
})
const rule = z.looseObject({ status: z.string(), parked: z.number() })
const line = z.object({ what: z.string(), detail: z.string().optional() })
const job = z.looseObject({
  id: z.string(),
  status: z.string(),
  moved: z.number(),
  handled: z.number(),
  dead: z.number(),
})
const jobs = z.object({ items: z.array(job) })
const course = job.extend({ history: z.array(line) })
const groups = z.object({
  items: z.array(z.looseObject({ fingerprint: z.string(), count: z.number(), error: z.string() })),
})

/** Questions to the APIs, for what a demo counts on. */
export const totalsOf = (statistics: Api) => statistics.get('/api/statistics', totals)
export const ruleOf = (hub: Api, id: string) => hub.get(`/api/sidelines/${id}`, rule)
export const deadGroupsOf = async (hub: Api) => (await hub.get('/api/dead/groups', groups)).items

/** Jobs in the order in which they began, each with its history. */
export async function jobsOf(hub: Api) {
  const { items } = await hub.get('/api/replays', jobs)
  return Promise.all(items.reverse().map(({ id }) => hub.get(`/api/replays/${encodeURIComponent(id)}`, course)))
}
