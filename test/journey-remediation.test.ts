import { expect, test } from 'vitest'
import { accounts, begin, EXAMPLES, FULFILLED, order, TAKEN_BACK, untilShown } from './support/journeys.ts'
import { type System, startSystem } from './support/system.ts'

const services = ['hub', 'gateway', 'processor'] as const
const env = { EBS_DEFINITIONS_DIR: EXAMPLES, EBS_ACTIVITIES: 'all' }
const by = { actor: 'ann', reason: 'the customer called' }

const act = (system: System, id: string, name: string, more: object = {}) =>
  system.ask('hub', `/api/remediation/${id}/${name}`, { json: { ...by, ...more } })
const stuck = (system: System, id: string, step: string) =>
  untilShown(system, id, { status: 'NEEDS_REMEDIATION', remediation: { cause: 'permanent', steps: [step] } })

test('J4, J5: what was refused for good goes on with another input, without the step, or is taken back, as a person decides; then nothing more', async () => {
  await using system = await startSystem({ services, env })
  const [patched, skipped, undone, cancelled] = await Promise.all([
    begin(system, order('patched', { card: 'declined' })),
    begin(system, order('skipped', { address: 'nowhere' })),
    begin(system, order('undone', { address: 'nowhere' })),
    begin(system, order('cancelled', { card: 'declined' })),
  ])
  await Promise.all([
    stuck(system, patched, 'charge'),
    stuck(system, skipped, 'ship'),
    stuck(system, undone, 'ship'),
    stuck(system, cancelled, 'charge'),
  ])
  const parcel = { carrier: 'post', tracking: 'by hand' }

  const { json: seen } = await system.ask('hub', `/api/remediation/${patched}`)
  expect(seen).toMatchObject({
    status: 'NEEDS_REMEDIATION',
    steps: ['charge'],
    acts: ['retry', 'skip', 'compensate', 'cancel'],
  })
  // Nothing has changed about it: it is refused again.
  expect(await act(system, patched, 'retry')).toMatchObject({ status: 202 })
  await stuck(system, patched, 'charge')
  expect(await act(system, patched, 'retry', { revision: 1 })).toMatchObject({ status: 409 })
  expect(
    await act(system, patched, 'retry', { step: 'charge', input: { amountCents: 1_300, card: '4242' } }),
  ).toMatchObject({
    status: 202,
  })
  expect(await act(system, skipped, 'skip', { step: 'ship', output: parcel })).toMatchObject({ status: 202 })
  expect(await act(system, undone, 'compensate')).toMatchObject({ status: 202 })
  expect(await act(system, cancelled, 'cancel')).toMatchObject({ status: 202 })

  await untilShown(system, patched, {
    ...{ status: 'COMPLETED', output: { totalCents: 1_300, carrier: 'post' } },
    activities: { charge: { state: 'done', attempt: 3, input: { card: '4242' } } },
  })
  await untilShown(system, skipped, { status: 'COMPLETED', output: parcel, activities: { ship: { state: 'skipped' } } })
  await untilShown(system, undone, { status: 'COMPENSATED' })
  await untilShown(system, cancelled, { status: 'CANCELLED' })
  for (const [id, how] of [
    [patched, 'COMPLETED'],
    [undone, 'COMPENSATED'],
    [cancelled, 'CANCELLED'],
  ] as const)
    expect(await act(system, id, 'compensate')).toMatchObject({ status: 409, json: { journey: { status: how } } })
  expect((await system.ask('hub', '/api/remediation')).json).toEqual({ items: [] })
  expect(await accounts(system)).toEqual({
    [patched]: FULFILLED,
    [skipped]: { ...FULFILLED, parcels: 0 },
    [undone]: TAKEN_BACK,
    [cancelled]: { ...FULFILLED, charged_cents: 0, parcels: 0, notices: 0 },
  })
})
