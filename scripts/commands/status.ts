import { z } from 'zod'
import { ApiError, AwayError, openApi } from '../cli/api.ts'
import type { Cli } from '../cli/cli.ts'
import { type ExitCode, exitCodes } from '../cli/exit-code.ts'
import { type Item, itemSchema } from '../cli/listing.ts'
import { type Sheet, tableOf } from '../cli/table.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { spanOf } from '../cli/wording.ts'
import { type ServiceName, serviceNames } from '../services.ts'

type Standing = {
  readonly service: ServiceName
  readonly state: 'ready' | 'not ready' | 'away'
  readonly url: string
  readonly detail: string
}

const hubSchema = z.looseObject({
  conversations: z.array(z.looseObject({ kind: z.string(), open: z.number(), oldestAgeMs: z.number().nullable() })),
  timers: z.looseObject({ pending: z.number(), overdue: z.number(), frozen: z.number().default(0) }),
  outboxPending: z.number(),
  sidelines: z.looseObject({ open: z.number(), parked: z.number() }),
  dead: z.looseObject({ total: z.number(), byQueue: z.record(z.string(), z.number()) }),
  unrouted: z.number(),
  replays: z.looseObject({ running: z.number() }),
})
type HubStatus = z.infer<typeof hubSchema>

export const verbs: readonly Verb[] = [
  verb({
    says: 'How everything stands: services, and what is open, set aside, dead or late. Exits with 1 when a service is not ready.',
    examples: ['ebs status', 'ebs status --watch', 'ebs status -o json'],
    options: {},
    isWatchable: true,
    async run(cli): Promise<ExitCode> {
      const hub = cli.api('hub')
      const [services, status] = await Promise.all([
        Promise.all(serviceNames.map((name) => standingOf(cli, name))),
        hub.get('/api/status', hubSchema).catch((error: unknown) => {
          if (error instanceof AwayError || error instanceof ApiError) return error
          throw error
        }),
      ])
      const known = status instanceof Error ? undefined : status
      cli.answer({ services, ...(known && { hub: known }) }, (sheet) => drawn(services, known, sheet))
      if (status instanceof Error) cli.say(status.message)
      return known && services.every(({ state }) => state === 'ready') ? exitCodes.ok : exitCodes.failed
    },
  }),
]

async function standingOf(cli: Cli, service: ServiceName): Promise<Standing> {
  // --url names the hub, which is asked for most.
  const { url, get } = service === 'hub' ? cli.api('hub') : openApi(service, cli.config.urls.get(service) ?? '')
  try {
    await get('/health/ready', itemSchema)
    return { service, state: 'ready', url, detail: '' }
  } catch (error) {
    if (error instanceof ApiError) return { service, state: 'not ready', url, detail: inOneLine(error.message) }
    if (error instanceof AwayError) return { service, state: 'away', url, detail: '' }
    throw error
  }
}

/** Every line of a text as a sentence of one line: only some end with a full stop. */
const inOneLine = (text: string) => text.replaceAll(/([^.:\s])\s*\n\s*/g, '$1. ').replaceAll(/\s*\n\s*/g, ' ')

function drawn(services: readonly Standing[], hub: HubStatus | undefined, sheet: Sheet): string {
  const table = tableOf(
    [
      { head: 'SERVICE', of: ({ service }) => service, isWhole: true },
      { head: 'STATE', of: ({ state }) => state, isWhole: true, isStatus: true },
      { head: 'URL', of: ({ url }) => url, isMinor: true },
      { head: 'DETAIL', of: ({ detail }) => detail },
    ],
    services,
    sheet,
  )
  if (!hub) return table
  const waiting = tableOf(
    [
      { head: 'WHAT', of: ({ what }) => what, isWhole: true },
      { head: 'COUNT', of: ({ count }) => count, isNumber: true, isWhole: true },
      { head: 'DETAIL', of: ({ detail }) => detail },
    ],
    waitingOf(hub),
    sheet,
  )
  return `${table}\n\n${waiting}`
}

const waitingOf = ({ conversations, timers, sidelines, dead, unrouted, replays, outboxPending }: HubStatus): Item[] => [
  ...conversations
    // Those of operators have lines of their own.
    .filter(({ kind }) => kind !== 'sideline' && kind !== 'replay')
    .map(({ kind, open, oldestAgeMs }) => ({
      what: `open ${kind}s`,
      count: open,
      detail: oldestAgeMs === null ? '' : `oldest ${spanOf(oldestAgeMs)}`,
    })),
  {
    what: 'timers',
    count: timers.pending,
    detail: [`${timers.overdue} overdue`, `${timers.frozen} frozen`].join(', '),
  },
  { what: 'sideline rules', count: sidelines.open, detail: `${sidelines.parked} messages set aside` },
  { what: 'replays running', count: replays.running, detail: '' },
  {
    what: 'dead messages',
    count: dead.total,
    detail: Object.entries(dead.byQueue)
      .map(([queue, count]) => `${queue} ${count}`)
      .join(', '),
  },
  { what: 'unrouted messages', count: unrouted, detail: '' },
  { what: 'outbox of the hub', count: outboxPending, detail: '' },
]
