import { DEFINITIONS } from './hints.ts'
import type { Known } from './known.ts'
import type { Api, Site } from './site.ts'

const WAIT_MS_MAX = 60_000
const GROUPS = 3
/** Its objects are set aside, whoever asks for one: the tenant is among what a list shows. */
export const PARKED_TENANT = 'parked'

/** One of everything that an act can be about: without it a round would meet 404s only. */
export async function prepare(site: Site, known: Known): Promise<void> {
  const ask = async (api: Api, url: string, body?: unknown): Promise<unknown> => {
    const answer = await site.during(
      site
        .http(api)
        .inject(
          body === undefined
            ? { url }
            : { method: 'POST', url, payload: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
        ),
      WAIT_MS_MAX,
    )
    if (answer.statusCode >= 300) throw new Error(`could not prepare ${url}: ${answer.statusCode} ${answer.body}`)
    const told: unknown = answer.json()
    known.learn(url.split(/[/?]/)[2] ?? '', told)
    return told
  }
  const by = { actor: 'ada', reason: 'preparing' }
  for (const definition of DEFINITIONS) await ask('hub', '/api/definitions', definition)
  await ask('datagen', '/api/objects', { tenant: 'acme', name: 'first', content: 'text' })
  await ask('gateway', '/api/flows', { length: 2 })
  await ask('gateway', '/api/journeys', { type: 'quick', payload: { content: 'a b' } })
  await ask('gateway', '/api/journeys', { type: 'hopeless', payload: {} })
  await ask('hub', '/api/sidelines', {
    id: 'prepared',
    filter: `tenant == '${PARKED_TENANT}'`,
    queues: ['distributor_consume'],
    ...by,
  })
  await ask('datagen', '/api/objects', { tenant: PARKED_TENANT, name: 'aside', content: '' })
  for (let n = 0; n < GROUPS; n++)
    await site.stranger.publish(
      plain('eventbus-collector', {
        type: 'EventGroupCollectorCreate',
        id: `group-${n}`,
        expected: ['a', 'b'],
        ttl: 60,
      }),
    )
  for (let n = 0; n < GROUPS; n++) await site.stranger.publish(plain('objects', { type: 'OBJECT_CREATED', object: n }))
  await site.clock.advance(SETTLE_MS)
  for (const url of [
    '/api/timers',
    '/api/groups',
    '/api/dead',
    '/api/dead/groups',
    '/api/journeys',
    '/api/remediation',
    '/api/sidelines',
    '/api/definitions',
  ])
    await ask('hub', url)
}

/** A hopeless journey has given up by then, and dead letters are in the catalogue. */
const SETTLE_MS = 10_000

const plain = (key: string, body: unknown) => ({
  exchange: 'ebs',
  key,
  body: Buffer.from(JSON.stringify(body)),
  properties: {},
})
