import { expect, test, vi } from 'vitest'
import { latch } from '../../../../shared/bus/test/bus-fixture.ts'
import { controlSite, START_MS } from '../../control/test/control-fixture.ts'
import { askForRound, Rounds } from '../round.ts'

test('a slot is run once, however many hubs ask for it, and never two at a time', async () => {
  await using site = await controlSite()
  const { open, opened } = latch()
  const step = vi.fn(() => opened)
  const rounds = new Rounds(site.bus, [step])

  const first = rounds.run(START_MS)
  await rounds.run(START_MS)
  await rounds.run(START_MS + 10_000)
  open()
  await first
  await rounds.run(START_MS)
  expect(step).toHaveBeenCalledTimes(1)

  await rounds.run(START_MS + 10_000)
  expect(step).toHaveBeenCalledTimes(2)
})

test('one that waited for a minute is not run any more; one that fails keeps the next from nothing', async () => {
  await using site = await controlSite()
  const step = vi.fn(async () => undefined)
  const rounds = new Rounds(site.bus, [step])
  step.mockRejectedValueOnce(new Error('no broker'))

  await rounds.run(START_MS - 61_000)
  expect(step).not.toHaveBeenCalled()
  await rounds.run(START_MS)
  await rounds.run(START_MS + 10_000)
  expect(step).toHaveBeenCalledTimes(2)
})

test('while the broker is away no rounds gather', async () => {
  await using site = await controlSite()
  await askForRound(site.bus)
  site.memory.stop()
  await site.clock.advance(1_000)
  await askForRound(site.bus)
  await askForRound(site.bus)
  site.memory.start()
  await site.clock.advance(1_000)

  expect(await site.bus.broker.inspect('hub_work')).toMatchObject({ messages: 1 })
})
