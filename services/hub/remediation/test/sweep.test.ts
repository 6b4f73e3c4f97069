import { expect, test, vi } from 'vitest'
import { StoreUnavailableError } from '../../../../shared/store/store.ts'
import { RemediationSweep } from '../sweep.ts'
import { by, order, type RemediationSite, remediationSite } from './remediation-fixture.ts'
import { spoil } from './spoilt-journey.ts'

const MINUTE_MS = 60_000
const unlooked = (sagaId: string, error: unknown): void => expect.unreachable(`${sagaId}: ${error}`)
const sweepOf = ({ operations }: RemediationSite, overdueMs?: number, onFailed = unlooked) =>
  new RemediationSweep({ ...operations, overdueMs, onFailed })
const overdue = async (site: RemediationSite): Promise<string[]> =>
  (await site.get('/api/remediation?attention=overdue&limit=1000')).json().items.map(({ id }: { id: string }) => id)

/** One that takes so long. */
async function complete(site: RemediationSite, id: string, tookMs: number, type = 'order') {
  await site.begin(id, { type })
  await site.clock.advance(tookMs)
  for (const step of ['reserve', 'charge', 'ship']) await site.answer(`${id}:${step}`)
}

test('J6: what is older than configured is overdue: shown, noted and told outside, once', async () => {
  await using site = await remediationSite()
  const sweep = sweepOf(site, 5 * MINUTE_MS)
  await site.begin('old.main')
  await site.clock.advance(4 * MINUTE_MS)
  await site.begin('new.main')
  await site.stuck('stuck.main')
  await sweep.run()
  expect(await overdue(site)).toEqual([])
  await site.clock.advance(MINUTE_MS + 1)

  for (let n = 0; n < 3; n++) await sweep.run()
  await sweepOf(site, 5 * MINUTE_MS).run()
  await site.settle()

  expect(await overdue(site)).toEqual(['old.main'])
  const { overdueSince, history } = await site.journey('old.main')
  expect(overdueSince).toBe('2026-01-01T00:05:00.001Z')
  expect(history.filter(({ what }: { what: string }) => what === 'overdue')).toHaveLength(1)
  expect(site.sent('REMEDIATION_NOTICE').filter((one) => 'cause' in one && one.cause === 'overdue')).toMatchObject([
    { sagaId: 'old.main', steps: ['reserve'] },
  ])
})

test('J6: without a configured age, it is twice the time in which 99 of 100 of the same type are done, learned from 20 at least', async () => {
  await using site = await remediationSite()
  await site.post('/api/definitions', { ...order, type: 'slow' })
  await site.begin('slow.main', { type: 'slow' })
  await site.begin('late.main')
  for (let n = 0; n < 19; n++) await complete(site, `o${n}.main`, 20_000)
  const sweep = sweepOf(site)
  await sweep.run()
  expect(await overdue(site)).toEqual([])

  await complete(site, 'o19.main', 30_000)
  await site.begin('soon.main')
  await site.clock.advance(60_000)
  await sweep.run()
  expect(await overdue(site)).toEqual(['late.main'])
  await site.clock.advance(1)
  await sweep.run()

  // Nobody knows how long those of the other type take.
  expect(await overdue(site)).toEqual(['soon.main', 'late.main'])
})

test('journeys of milliseconds are not overdue before ten seconds', async () => {
  await using site = await remediationSite()
  for (let n = 0; n < 20; n++) await complete(site, `o${n}.main`, 5)
  await site.begin('runs.main')
  const sweep = sweepOf(site)

  await site.clock.advance(10_000)
  await sweep.run()
  expect(await overdue(site)).toEqual([])
  await site.clock.advance(1)
  await sweep.run()

  expect(await overdue(site)).toEqual(['runs.main'])
})

test('more than a slice are all found, and only those that are new are told in the next round', async () => {
  await using site = await remediationSite()
  for (let n = 0; n < 250; n++) await site.begin(`o${n}.main`)
  await site.clock.advance(2 * MINUTE_MS)
  const sweep = sweepOf(site, MINUTE_MS)
  site.held.tell.mockClear()

  await sweep.run()
  await site.begin('next.main')
  await site.clock.advance(MINUTE_MS + 1)
  await sweep.run()

  expect(site.held.tell).toHaveBeenCalledTimes(251)
  expect((await overdue(site)).length).toBe(251)
})

test('one that went on after a person was asked is overdue when nothing has happened to it for as long again', async () => {
  await using site = await remediationSite()
  const sweep = sweepOf(site, 5 * MINUTE_MS)
  await site.stuck('o1.main')
  await site.clock.advance(6 * MINUTE_MS)
  await sweep.run()
  await site.act('o1.main', 'retry')
  await site.clock.advance(5 * MINUTE_MS)
  await sweep.run()
  expect(await overdue(site)).toEqual([])

  await site.clock.advance(1)
  await sweep.run()

  expect(await overdue(site)).toEqual(['o1.main'])
})

test('J6: a lost timer is armed again, and what it was for happens', async () => {
  await using site = await remediationSite()
  const sweep = sweepOf(site)
  await site.begin('lost.main')
  await site.begin('sound.main')
  await site.store.write((tx) => tx.cancelTimers([{ kind: 'journey', key: 'lost.main', name: 'step:reserve' }]))
  const timers = async () => (await site.journey('lost.main')).timers.map(({ name }: { name: string }) => name)

  // The attempt of a step times out after ten minutes.
  await site.clock.advance(11 * MINUTE_MS)
  await sweep.run()
  expect(await timers()).toEqual(['deadline'])
  await site.clock.advance(1)
  await sweep.run()
  expect((await timers()).sort()).toEqual(['deadline', 'step:reserve'])
  await site.store.write((tx) => site.kernel.sweep(tx))
  await site.wake()
  await site.settle()

  expect(await site.journey('lost.main')).toMatchObject({
    ...{ status: 'NEEDS_REMEDIATION', remediation: { cause: 'exhausted', steps: ['reserve'] } },
    activities: { reserve: { status: 504 } },
  })
  // It had its timer, and was only not woken yet.
  expect((await site.journey('sound.main')).history).not.toContainEqual(expect.objectContaining({ what: 'overdue' }))
})

test('while what it waits for is set aside its timers stand still: it is neither overdue nor healed', async () => {
  await using site = await remediationSite()
  const sweep = sweepOf(site, MINUTE_MS)
  await site.begin('o1.main')
  await site.store.write((tx) => tx.frozen.freeze([{ kind: 'journey', key: 'o1.main' }], site.clock.now()))
  await site.clock.advance(60 * MINUTE_MS)

  await sweep.run()

  expect(await overdue(site)).toEqual([])
  expect((await site.journey('o1.main')).frozenTimers).toHaveLength(2)
})

test('stopped, a sweep tells nobody any more, and the next one tells those who are left', async () => {
  await using site = await remediationSite()
  await site.begin('o1.main')
  await site.clock.advance(2 * MINUTE_MS)
  const sweep = sweepOf(site, MINUTE_MS)

  await sweep.run(() => true)
  expect(await overdue(site)).toEqual([])
  await sweep.run()

  expect(await overdue(site)).toEqual(['o1.main'])
  await site.act('o1.main', 'cancel', by)
})

test('journeys that cannot be read are told of, and keep nobody else from being looked after', async () => {
  await using site = await remediationSite()
  for (let n = 0; n < 120; n++) await site.begin(`o${n}.main`)
  await spoil(site.store, 'o60.main')
  await site.store.write((tx) => tx.cancelTimers([{ kind: 'journey', key: 'o0.main', name: 'step:reserve' }]))
  const onFailed = vi.fn()
  const sweep = sweepOf(site, 12 * MINUTE_MS, onFailed)
  // The timer is lost when the journey is not overdue yet.
  await site.clock.advance(11 * MINUTE_MS + 1)
  await sweep.run()

  expect(onFailed).toHaveBeenCalledExactlyOnceWith('o60.main', expect.any(Error))
  const { timers } = await site.journey('o0.main')
  expect(timers.map(({ name }: { name: string }) => name)).toContain('step:reserve')

  await site.clock.advance(2 * MINUTE_MS)
  await sweep.run()
  expect(await overdue(site)).toHaveLength(119)
})

test('without its store a sweep ends, and does not go on to fail with each journey', async () => {
  await using site = await remediationSite()
  for (let n = 0; n < 3; n++) await site.begin(`o${n}.main`)
  await site.clock.advance(2 * MINUTE_MS)
  site.held.tell.mockRejectedValue(new StoreUnavailableError('out of order'))
  const onFailed = vi.fn()

  await expect(sweepOf(site, MINUTE_MS, onFailed).run()).rejects.toThrow('out of order')
  expect(onFailed).not.toHaveBeenCalled()
})
