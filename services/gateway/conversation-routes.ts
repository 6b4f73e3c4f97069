import { z } from 'zod'
import { catalogue } from '../../shared/events.ts'
import type { Scope } from '../../shared/service/auth.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { answerIn } from './answer-type.ts'
import { type Asking, findView } from './asking.ts'
import { journeyFormats } from './journey-formats.ts'

const shown = {
  params: catalogue.CONVERSATION_ASKED.body.pick({ id: true }),
  response: { 200: z.record(z.string(), z.json()) },
}

const journeyTypes = journeyFormats.map(({ mediaType }) => mediaType)

/** Who starts something may see what became of it. */
const readers: readonly Scope[] = ['journeys:write', 'ops:read']

const conversations = [
  {
    kind: 'journey',
    url: '/api/journeys/:id',
    summary: 'Show a journey: its status, activities, attempts and history',
    mediaTypes: journeyTypes,
  },
  { kind: 'flow', url: '/api/flows/:id', summary: 'Show a flow: its status, calls and history', mediaTypes: [] },
  { kind: 'group', url: '/api/groups/:id', summary: 'Show a group: its status, members and history', mediaTypes: [] },
] as const

/** `GET /api/journeys/:id`, `GET /api/flows/:id`, `GET /api/groups/:id`: the hub is asked over the bus. */
export function serveConversations(http: Http, asking: Asking): void {
  for (const { kind, url, summary, mediaTypes } of conversations) {
    const route = {
      schema: { ...shown, summary, produces: ['application/json', ...mediaTypes] },
      config: { scopes: readers },
      preValidation: mediaTypes.length > 0 ? answerIn(mediaTypes) : [],
    }
    http.get(url, route, async ({ params: { id } }) => {
      const view = await findView(asking, { kind, id })
      if (!view) throw new HttpProblem(404, { detail: `There is no ${kind} ${id}.` })
      return view
    })
  }
}
