import { expect, test } from 'vitest'
import { z } from 'zod'
import { Operator } from './support/operator.ts'
import { expectAllDone } from './support/settled.ts'
import { startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const total = z.object({ kind: z.string(), accepted: z.number(), done: z.number(), in_flight: z.number() })
const TOTALS = `select kind, sum(accepted) as accepted, sum(done) as done, sum(in_flight) as in_flight from ledger group by kind`
const UNSOUND = `select * from ledger where accepted <> done + failed + in_flight + waiting + parked + dead + discarded`
const held = z.object({ kind: z.string(), tenant: z.string(), queue: z.string(), count: z.number() })
const id = z.object({ id: z.string() })
const queue = z.object({ ready: z.number(), in_flight: z.number(), at: z.string() })

/** Far below what an operator would take; numbers of the management API are seconds old all the same, and that is allowed for. */
const env = { EBS_LEDGER_SETTLE_MS: '1000', EBS_LEDGER_EVERY_MS: '500' }

test('the ledger: balanced while a consumer is stopped, out of balance by exactly what is purged; what is set aside and dropped is counted', async () => {
  await using system = await startSystem({ env })
  const operator = new Operator(system)
  const ledger = async () => (await system.ask('statistics', '/api/ledger')).json
  await system.createObjects(20)
  await expectAllDone(system, { objects: 20 })
  await waitUntil(async () =>
    expect(await system.rows(total, TOTALS)).toEqual([
      { kind: 'object', accepted: 20, done: 20, in_flight: 0 },
      { kind: 'task', accepted: 60, done: 60, in_flight: 0 },
    ]),
  )

  // Set aside by a rule, and dropped by a person.
  await operator.start('acme')
  await system.createObjects(2, undefined, 'acme')
  const parked = { kind: 'task', tenant: 'acme', queue: 'process_consume', count: 6 }
  await waitUntil(async () => expect(await system.rows(held, 'select * from ledger_parked')).toMatchObject([parked]))
  await operator.act('discard', 'acme')
  await waitUntil(async () =>
    expect(await system.rows(held.extend({ by: z.string() }), 'select * from ledger_discarded')).toEqual([
      { ...parked, by: 'ann' },
    ]),
  )

  // A consumer is stopped: what waits for it is in flight, and nothing is missing.
  await system.process('processor').kill('SIGTERM')
  await system.createObjects(5)
  const sawFull = `select * from ledger_queues where queue = 'process_consume' and ready = 15 and in_flight = 15`
  await waitUntil(async () => expect(await system.rows(queue, sawFull)).toHaveLength(1))
  expect(await ledger()).toMatchObject({ balanced: true, imbalance: 0, unobserved: [] })

  await system.vhost.management('DELETE', `/api/queues/${system.vhost.name}/process_consume/contents`)
  await waitUntil(async () => expect(await ledger()).toMatchObject({ balanced: false, imbalance: 15 }))

  const missing = await system.rows(id, 'select id from ledger_imbalances order by id')
  const open = await system.rows(id, `select id from tasks where finished_at is null and tenant <> 'acme' order by id`)
  expect(missing).toEqual(open)
  expect(missing).toHaveLength(15)
  await waitUntil(async () => expect(await system.events()).toMatchObject({ LEDGER_IMBALANCED: 1 }))
  // Each of the twenty objects has left a wake-up of the hub on the ladder: they hide nothing.
  await system.process('distributor').kill('SIGTERM')
  await system.createObjects(5)
  const sawObjects = `select * from ledger_queues where queue = 'distributor_consume' and ready = 5 and in_flight = 5`
  await waitUntil(async () => expect(await system.rows(queue, sawObjects)).toHaveLength(1))
  await system.vhost.management('DELETE', `/api/queues/${system.vhost.name}/distributor_consume/contents`)
  await waitUntil(async () => expect(await ledger()).toMatchObject({ balanced: false, imbalance: 20 }))

  const metrics = await (await fetch(`${system.process('statistics').url}/metrics`)).text()
  expect(metrics).toMatch(/ebs_ledger_imbalance\{kind="task",place="process_consume"\} 15/)
  expect(await system.rows(total, UNSOUND)).toEqual([])
})
