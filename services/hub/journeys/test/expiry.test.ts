import { expect, test } from 'vitest'
import type { Body } from '../../../../shared/events.ts'
import { hubFixture } from '../../test/hub-fixture.ts'
import { startUpkeep } from '../../upkeep.ts'

const HOUR_MS = 3_600_000
const nothing = async () => undefined
const errand = (type: string, more: object) => ({
  ...{ type, version: 1, deadline: '30d' },
  activities: { do: { activity: 'do', timeout: '30d', retry: { retries: 0 } } },
  ...more,
})
const request = (sagaId: string, journeyType: string): Body => ({
  ...{ type: 'INITIATE_JOURNEY', sagaId, journeyType, formatVersion: 1, tenant: 'default', payload: {}, meta: {} },
})
const refused = (sagaId: string): Body => ({
  type: 'ACTIVITY_FAILED',
  callId: `${sagaId}:do`,
  status: 400,
  error: 'no',
})

test('what completed is forgotten after a day, what ended otherwise after a week, what has not ended never', async () => {
  await using hub = await hubFixture()
  await hub.broker.ready()
  for (const document of [
    errand('fails', { onFailure: 'fail' }),
    errand('undone', { onFailure: 'compensate' }),
    errand('kept', {}),
  ])
    expect((await hub.post('/api/definitions', document)).statusCode).toBe(201)
  const of = (id: string, type: string) => request(`${id}.main`, type)
  await hub.hear(of('done', 'kept'), of('failed', 'fails'), of('undone', 'undone'), of('cancelled', 'kept'))
  await hub.hear(of('needs', 'kept'), of('running', 'kept'), of('waiting', 'unheard-of'))
  await hub.hear({ type: 'ACTIVITY_SUCCEEDED', callId: 'done.main:do', status: 200, output: 1 })
  await hub.hear(refused('failed.main'), refused('undone.main'), refused('needs.main'))
  await hub.post('/api/journeys/cancelled.main/cancel')
  const stand = async () =>
    (await hub.get('/api/journeys'))
      .json()
      .items.map(({ status }: { status: string }) => status)
      .sort()
  const open = ['ACCEPTED', 'NEEDS_REMEDIATION', 'RUNNING']
  const badly = ['CANCELLED', 'COMPENSATED', 'FAILED']
  expect(await stand()).toEqual([...open, ...badly, 'COMPLETED'].sort())

  const { store, kernel, clock, log } = hub
  const keepMs = { success: 24 * HOUR_MS, failed: 168 * HOUR_MS, audit: 2_160 * HOUR_MS }
  const prune = async () =>
    startUpkeep({ store, kernel, clock, log, keepMs, askForRound: nothing, catchUp: nothing, remediate: nothing })
  await clock.advance(25 * HOUR_MS)
  const stop = await prune()
  await expect.poll(stand).toEqual([...open, ...badly].sort())
  stop()
  await clock.advance(144 * HOUR_MS)
  const stopAgain = await prune()
  await expect.poll(stand).toEqual([...open].sort())
  stopAgain()
})
