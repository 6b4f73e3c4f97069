import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { z } from 'zod'
import type { Answer } from './http.ts'
import type { System } from './system.ts'
import { waitUntil } from './wait-until.ts'

/** The definitions that come with ebs. */
export const EXAMPLES = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'journeys')

const goods = { items: [{ sku: 'tea', quantity: 2 }], card: '4242', address: 'Main St 1', email: 'ada@example.com' }
/** A request for the example `order`, which costs 1,300 cents. */
export const order = (key: string, changed: object = {}) => ({ type: 'order', key, payload: { ...goods, ...changed } })
/** What the shop did for an order that was fulfilled, and for one that was taken back before it was sent. */
export const FULFILLED = {
  reservations: 1,
  releases: 0,
  charged_cents: 1_300,
  refunded_cents: 0,
  parcels: 1,
  notices: 1,
}
export const TAKEN_BACK = { ...FULFILLED, releases: 1, refunded_cents: 1_300, parcels: 0 }

const account = z.object({
  order_id: z.string(),
  ...{ reservations: z.int(), releases: z.int(), charged_cents: z.int(), refunded_cents: z.int() },
  ...{ parcels: z.int(), notices: z.int() },
})

/** What the shop did for each order, by the journey's id. */
export async function accounts({ shopRows }: Pick<System, 'shopRows'>) {
  const rows = await shopRows(account, 'select * from orders')
  return Object.fromEntries(rows.map(({ order_id, ...done }) => [order_id, done]))
}

/** The same, without the orders that are among these: for a story that shares its system with others. */
export async function accountsSince(system: Pick<System, 'shopRows'>, before: Readonly<Record<string, object>>) {
  const all = Object.entries(await accounts(system))
  return Object.fromEntries(all.filter(([id]) => !(id in before)))
}

/** The example `order` as another version, whose times, all of them, are so long that none passes in a test. */
export function patientOrder(changed: object): object {
  const text = readFileSync(join(EXAMPLES, 'order.json'), 'utf8')
  const patient: unknown = JSON.parse(text, (name, value) => (name === 'timeout' ? '5m' : value))
  return { ...z.looseObject({}).parse(patient), version: 2, deadline: '1h', ...changed }
}

export async function register(system: System, definition: unknown): Promise<void> {
  const { status, json } = await system.ask('hub', '/api/definitions', { json: definition })
  expect({ status, json }).toMatchObject({ status: 201 })
}

const shown = z.looseObject({ id: z.string(), status: z.string(), revision: z.int() })

export const idIn = ({ json }: Pick<Answer, 'json'>) => z.looseObject({ id: z.string() }).parse(json).id

/** Starts a journey at a gateway; gives its id. */
export async function begin(system: System, json: unknown, gateway = 'gateway'): Promise<string> {
  const answer = await system.ask(gateway, '/api/journeys', { json })
  expect(answer).toMatchObject({ status: 202 })
  return idIn(answer)
}

/** A journey as the hub shows it, also when the broker is away. */
export const show = async (system: System, id: string, hub = 'hub') =>
  shown.parse((await system.ask(hub, `/api/journeys/${id}`)).json)

/** Waits until a journey is shown as expected. */
export const untilShown = (system: System, id: string, expected: object, withinMs?: number) =>
  waitUntil(async () => expect(await show(system, id)).toMatchObject(expected), withinMs)
