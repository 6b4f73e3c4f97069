import { z } from 'zod'
import type { Http } from '../../../shared/service/http.ts'
import type { Operations } from '../operations.ts'
import { whySchema } from './answer.ts'
import { explain } from './explain.ts'
import { gather } from './gathering.ts'

/** Ids are at most so long, here as on the bus. */
const ID_CHARS_MAX = 255
const one = { params: z.object({ id: z.string().min(1).max(ID_CHARS_MAX) }), response: { 200: whySchema } }
const summary =
  'Why something is where it is: an object, task, group, flow, journey, call, message, rule or job, by its id'

/** `GET /api/why/:id`. What nobody knows is an answer too, with what is missing. */
export function serveWhy(http: Http, hub: Operations): void {
  http.get('/api/why/:id', { schema: { ...one, tags: ['why'], summary } }, async ({ params }) =>
    explain(await gather(hub, params.id)),
  )
}
