import { parsePast } from '../cli/duration.ts'
import { type Item, listVerb } from '../cli/listing.ts'
import { asText, value } from '../cli/options.ts'
import { lineOf } from '../cli/wording.ts'

export const verbs = [
  listVerb({
    service: 'hub',
    path: () => '/api/audit',
    says: 'List what operators did, or were refused, newest first.',
    examples: [
      'ebs audit list --since 1h',
      'ebs audit list --by ann@example.com --limit 20',
      "ebs audit list --act 'POST /api/timers/:id/fire' -o json",
    ],
    filters: {
      by: value('--by <who>', 'only what this one did', asText),
      act: value('--act <act>', 'only this act: method and route, as the list shows it', asText),
      since: value('--since <when>', 'not older: a time, or a span such as 30m', asText),
    },
    query: ({ by, act, since }, nowMs) => ({ actor: by, act, since: since && parsePast(since, nowMs) }),
    columns: () => [
      { head: 'AT', of: ({ at }) => at },
      { head: 'ACTOR', of: actorOf },
      { head: 'ACT', of: ({ act }) => act },
      { head: 'TARGET', of: ({ target }) => target },
      { head: 'STATUS', of: ({ status }) => status, isNumber: true },
      { head: 'REASON', of: ({ reason }) => reason },
      { head: 'ADDRESS', of: ({ address }) => address, isMinor: true },
      { head: 'REQUEST', of: ({ id }) => id, isMinor: true },
    ],
    none: 'Nobody did such a thing.',
  }),
]

/** No token says who it was: he calls himself so. */
const actorOf = ({ actor, proven }: Item) => (proven === true || !actor ? actor : `${lineOf(actor)} (unproven)`)
