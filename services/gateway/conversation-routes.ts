import { z } from 'zod'
import { catalogue } from '../../shared/events.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { type Asking, findView } from './asking.ts'

const shown = {
  params: catalogue.CONVERSATION_ASKED.body.pick({ id: true }),
  response: { 200: z.record(z.string(), z.json()) },
}

const conversations = [
  { kind: 'flow', url: '/api/flows/:id', summary: 'Show a flow: its status, calls and history' },
  { kind: 'group', url: '/api/groups/:id', summary: 'Show a group: its status, members and history' },
] as const

/** `GET /api/flows/:id`, `GET /api/groups/:id`: the hub is asked over the bus. */
export function serveConversations(http: Http, asking: Asking): void {
  for (const { kind, url, summary } of conversations)
    http.get(url, { schema: { ...shown, summary } }, async ({ params: { id } }) => {
      const view = await findView(asking, { kind, id })
      if (!view) throw new HttpProblem(404, { detail: `There is no ${kind} ${id}.` })
      return view
    })
}
