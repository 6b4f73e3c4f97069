import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { activityGate } from './support/activity-gate.ts'
import { accounts, begin, FULFILLED, order, patientOrder, register, show, untilShown } from './support/journeys.ts'
import { distinct, onlooker } from './support/onlooker.ts'
import { type System, startSystem } from './support/system.ts'
import { systemFolder } from './support/system-folder.ts'
import { waitUntil } from './support/wait-until.ts'

const NAMES = ['primary', 'secondary'] as const
type Name = (typeof NAMES)[number]

/** Folders of two stores, which can be taken away and brought back as they were. */
function twoStores() {
  const folder = systemFolder()
  const pathOf = (name: Name) => join(folder, name)
  for (const name of NAMES) mkdirSync(pathOf(name))
  return {
    env: { EBS_HUB_STORE_PRIMARY: pathOf('primary'), EBS_HUB_STORE_SECONDARY: pathOf('secondary') },
    takeAway: (name: Name) => renameSync(pathOf(name), `${pathOf(name)} is away`),
    bringBack: (name: Name) => renameSync(`${pathOf(name)} is away`, pathOf(name)),
  }
}

/** Without a key: a name that somebody chose could be that of a journey in the store that is away. */
const unnamed = () => {
  const { key: _, ...request } = order('')
  return request
}
const unavailable = (system: System, id: string) =>
  waitUntil(async () => {
    const answer = await system.ask('hub', `/api/journeys/${id}`)
    expect(answer).toMatchObject({ status: 503 })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })

/** A write waits 5 s for a lock, and a message some 20 s at most until it is tried again. */
const END_MS_MAX = 60_000

/** Of a hub that waits for a lock; a probe gives up after so long, too. */
const LIVE_MS_MAX = 1_000

/** Holds the lock of a database, so that nobody else can write; gives what lets go of it. */
function lock(path: string): () => void {
  const database = new Database(path)
  onTestFinished(() => {
    database.close()
  })
  database.exec('begin immediate')
  return () => database.exec('rollback')
}

test('J8: a primary store that somebody holds locked keeps the lead: what is asked waits, the hub answers; journeys go on in whichever store is there: one away, then both, then one, then both again; nothing is lost or made twice', async () => {
  const stores = twoStores()
  await using system = await startSystem({ services: ['hub', 'gateway'], env: stores.env })
  await register(system, patientOrder({}))
  const gate = await activityGate(system, ['reserve', 'charge', 'notify', 'ship'])
  const requests = await onlooker(system.vhost, 'activity.*')
  const ends = await onlooker(system.vhost, 'journeys.completed', 'journeys.failed', 'journeys.needs-remediation')
  const ids: string[] = []
  const completed = () =>
    waitUntil(async () => {
      await gate.let(gate.held())
      for (const id of ids) expect(await show(system, id)).toMatchObject({ status: 'COMPLETED', timers: [] })
    }, END_MS_MAX)

  const named = await begin(system, order('named'))
  await waitUntil(() => gate.held().includes(`${named}:reserve`))
  const release = lock(join(stores.env.EBS_HUB_STORE_PRIMARY, 'hub.db'))
  await gate.let([`${named}:reserve`])
  const again = await begin(system, order('named'))
  ids.push(named, await begin(system, order('another')), await begin(system, unnamed()))
  const writing = system.ask('hub', '/api/definitions', { json: patientOrder({ version: 3 }) })
  const { tookMs } = await system.ask('hub', '/health/live')
  expect(tookMs).toBeLessThan(LIVE_MS_MAX)
  expect(await writing).toMatchObject({ status: 503 })
  expect(await show(system, named)).toMatchObject({ activities: { reserve: { state: 'running' } } })
  expect(system.process('hub').output).not.toContain('the secondary store leads')
  release()
  await completed()
  expect(again).toBe(named)

  const first = await begin(system, unnamed())
  ids.push(first)
  await waitUntil(() => gate.held().includes(`${first}:reserve`))
  stores.takeAway('primary')
  await unavailable(system, first)
  await gate.let([`${first}:reserve`])
  // What begins just after the change may have begun just before it, and waits for the primary, too.
  const second = await waitUntil(async () => {
    const id = await begin(system, unnamed())
    ids.push(id)
    await untilShown(system, id, { status: 'RUNNING' }, 1_000)
    return id
  })
  await waitUntil(() => gate.held().includes(`${second}:reserve`))

  stores.takeAway('secondary')
  await unavailable(system, second)
  ids.push(await begin(system, unnamed()))
  await gate.let([`${second}:reserve`])
  stores.bringBack('secondary')
  await untilShown(system, second, { status: 'RUNNING', activities: { charge: { state: 'running' } } })
  await unavailable(system, first)

  stores.bringBack('primary')
  await untilShown(system, first, { activities: { charge: { state: 'running' } } })
  await completed()
  expect(await accounts(system)).toEqual(Object.fromEntries(ids.map((id) => [id, FULFILLED])))
  expect(distinct(await requests.heard())).toHaveLength(ids.length * 4)
  const told = async () => distinct(await ends.heard()).map(({ key, body }) => [body.sagaId, key])
  await waitUntil(async () => expect((await told()).sort()).toEqual(ids.map((id) => [id, 'journeys.completed']).sort()))
})
