import { z } from 'zod'
import { queues, replayQueueOf } from '../../shared/topology.ts'
import { PARKED_TENANT } from './fixtures.ts'
import { DEFINITIONS } from './hints.ts'
import type { Api, Site } from './site.ts'

/** What a service said that it took: of `objects`, `flows` or `journeys`, with its answer. */
export type Accepted = { readonly family: string; readonly told: unknown }

export type AtEnd = {
  readonly accepted: readonly Accepted[]
  /** Nobody cancelled, dropped or set aside anything: everything has to have ended. */
  readonly strict: boolean
}

/** Every deadline of a round is nearer than this, but for those that somebody set to weeks. */
const ENDING_MS = 300_000
const WAIT_MS_MAX = 60_000
const NAMED_MAX = 3

const identified = z.union([z.object({ id: z.string() }), z.object({ first: z.string() })])
const standing = z.looseObject({
  type: z.string().optional(),
  tenant: z.string().nullish(),
  status: z.string().optional(),
  state: z.unknown().optional(),
})

/** Where it is asked how something stands, and by which words it has ended, or waits for a person. */
const families: Readonly<Record<string, { readonly api: Api; readonly ended: RegExp }>> = {
  objects: { api: 'datagen', ended: /^(completed|failed)$/ },
  flows: { api: 'gateway', ended: /^(success|error|cancelled)$/ },
  journeys: { api: 'gateway', ended: /^(COMPLETED|FAILED|COMPENSATED|CANCELLED|NEEDS_REMEDIATION)$/ },
}

/** Lets everything come to its end; gives what did not. */
export async function complaintsAtEnd(site: Site, { accepted, strict }: AtEnd): Promise<string[]> {
  await site.clock.advance(ENDING_MS)
  const complaints = await stuckIn(site)
  if (strict) complaints.push(...(await unended(site, accepted)))
  return complaints
}

/** What is still not done. A rule whose consumers do not confirm asks again every three seconds, so the site is looked at more than once. */
async function stuckIn(site: Site): Promise<string[]> {
  let stuck: string[] = []
  for (let look = 0; look < LOOKS_MAX; look++) {
    const names = Object.keys(queues).flatMap((queue) => [queue, replayQueueOf(queue)])
    stuck = names.flatMap((name) =>
      site.broker.depth(name) > 0 ? [`${name} still holds ${site.broker.depth(name)}`] : [],
    )
    if (!site.broker.isIdle()) stuck.push('the broker is not idle: something is stuck or goes round')
    if (stuck.length === 0) return []
    await site.clock.advance(LOOK_EVERY_MS)
  }
  return stuck
}

const LOOKS_MAX = 100
const LOOK_EVERY_MS = 100

async function unended(site: Site, accepted: readonly Accepted[]): Promise<string[]> {
  const seen = new Set<string>()
  const open: string[] = []
  for (const { family, told } of accepted) {
    const row = families[family]
    const parsed = identified.safeParse(told)
    if (!row || !parsed.success) continue
    const id = 'id' in parsed.data ? parsed.data.id : parsed.data.first
    if (seen.has(id)) continue
    seen.add(id)
    const url = `/api/${family}/${encodeURIComponent(id)}`
    const answer = await site.during(site.http(row.api).inject(url), WAIT_MS_MAX)
    const { status, state, type, tenant } = standing.parse(answer.json())
    // J9: what nobody has defined waits for its definition.
    if (family === 'journeys' && !DEFINITIONS.some((one) => one.type === type)) continue
    if (tenant === PARKED_TENANT) continue
    const word = (typeof state === 'string' ? state : undefined) ?? status ?? ''
    if (!row.ended.test(word)) open.push(`${url}: ${answer.statusCode} ${word}`)
  }
  if (open.length === 0) return []
  return [`${open.length} of ${seen.size} that were accepted have not ended: ${open.slice(0, NAMED_MAX).join(', ')}`]
}
