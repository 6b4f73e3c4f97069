import type { Json } from '../../shared/events.ts'

const DEADLINE = '40s'

/** The order of docs/examples/journeys, in a hurry: what becomes of one that cannot go on differs. */
const order = (type: string, onFailure: 'compensate' | 'remediate'): Json => ({
  type,
  version: 1,
  deadline: DEADLINE,
  onFailure,
  activities: {
    reserve: {
      activity: 'reserve',
      input: "{'items': payload.items}",
      timeout: '1500ms',
      retry: { retries: 3, initialMs: 300 },
      compensate: { activity: 'release', timeout: '2s', retry: { retries: 10, initialMs: 200, maxMs: 1_000 } },
    },
    charge: {
      activity: 'charge',
      after: ['reserve'],
      input: "{'amountCents': outputs.reserve.totalCents, 'card': payload.card}",
      timeout: '1500ms',
      retry: { retries: 3, initialMs: 200 },
      compensate: { activity: 'refund', timeout: '2s', retry: { retries: 10, initialMs: 200, maxMs: 1_000 } },
    },
    ship: {
      activity: 'ship',
      after: ['charge'],
      input: "{'address': payload.address}",
      timeout: '2s',
      retry: { retries: 6, initialMs: 200 },
    },
    notify: {
      activity: 'notify',
      after: ['charge'],
      input: "{'to': payload.email, 'text': 'Thank you.'}",
      timeout: '2s',
      retry: { retries: 6, initialMs: 200 },
    },
  },
})

/** Registered as soon as the hub is there; the last one when journeys of its type wait for it. */
export const definitions = {
  early: [order('order', 'compensate'), order('order-remediated', 'remediate')],
  late: [order('order-unknown', 'compensate')],
} as const
