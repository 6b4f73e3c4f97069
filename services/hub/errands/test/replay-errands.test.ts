import { expect, test, vi } from 'vitest'
import { parseEvent } from '../../../../shared/bus/envelope.ts'
import { latch } from '../../../../shared/bus/test/bus-fixture.ts'
import { controlSite } from '../../control/test/control-fixture.ts'
import type { Errand, Moved, Mover } from '../../held/mover.ts'
import { ReplayErrands } from '../replay-errands.ts'

const moved = (fields: Partial<Moved> = {}): Moved => ({
  moved: 5,
  fresh: 5,
  exhausted: false,
  isCut: false,
  ...fields,
})

/** A mover that answers as the test says, and the errands that it gets. */
async function errandsSite(run: (errand: Errand) => Promise<Moved>) {
  const site = await controlSite()
  const mover = { run: vi.fn<Mover['run']>(run), stop: vi.fn() }
  const errands = new ReplayErrands({ bus: site.bus, mover })
  return { ...site, mover, errands, [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() }
}

function errand(fields: Partial<Errand> = {}) {
  const body = { type: 'REPLAY_ERRAND', job: 'j1', act: 'replay', from: 'a.dead', to: 'a', which: 'chosen', upTo: 5 }
  const parsed = parseEvent({
    exchange: '',
    key: 'hub_work',
    body: Buffer.from(JSON.stringify({ ...body, ...fields })),
    properties: { messageId: 'e1', correlationId: 'c1', headers: {} },
  })
  if (!('data' in parsed) || parsed.type !== 'REPLAY_ERRAND') throw new Error(JSON.stringify(parsed))
  return parsed
}
const answer = (fields: object) => ({ type: 'REPLAY_MOVED', job: 'j1', from: 'a.dead', ...fields })

test('says how many have been moved in all, and whether there are more', async () => {
  await using site = await errandsSite(async () => moved({ moved: 7, exhausted: true }))

  expect(await site.errands.run(errand())).toEqual([answer({ moved: 7, exhausted: true })])
})

test('one that comes while another of its kind runs only says how far that one goes, and both are answered', async () => {
  const { open, opened } = latch()
  await using site = await errandsSite(async ({ upTo }) => {
    if (upTo === 5) await opened
    return moved({ moved: upTo })
  })

  const first = site.errands.run(errand())
  const others = [9, 3].map((upTo) => site.errands.run(errand({ upTo })))
  open()

  // The first alone would not do: when it has come back after a crash, its answer is one that was given before.
  for (const one of [first, ...others]) expect(await one).toEqual([answer({ moved: 9, exhausted: false })])
  expect(site.mover.run.mock.calls.map(([{ upTo }]) => upTo)).toEqual([5, 9])
  // It is over: the next is one of its own.
  expect(await site.errands.run(errand({ upTo: 10 }))).toHaveLength(1)
})

test('other jobs and other sources have errands of their own', async () => {
  const { open, opened } = latch()
  await using site = await errandsSite(async () => {
    await opened
    return moved()
  })

  const all = [errand(), errand({ job: 'j2' }), errand({ from: 'b.dead' })].map((one) => site.errands.run(one))
  await vi.waitFor(() => expect(site.mover.run).toHaveBeenCalledTimes(3))
  open()

  expect((await Promise.all(all)).flat()).toHaveLength(3)
})

test('a part is told, so that whoever asked asks for the rest; of nothing at all another errand is left behind', async () => {
  await using site = await errandsSite(async ({ from }) => moved({ fresh: from === 'a.dead' ? 2 : 0, isCut: true }))

  expect(await site.errands.run(errand())).toEqual([answer({ moved: 5, exhausted: false })])
  expect(await site.bus.broker.inspect('hub_work')).toMatchObject({ messages: 0 })
  expect(await site.errands.run(errand({ from: 'b.dead' }))).toEqual([])

  expect(await site.bus.broker.inspect('hub_work')).toMatchObject({ messages: 1 })
})

test('one that fails is tried again like other work, and keeps no other from running', async () => {
  await using site = await errandsSite(async () => moved())
  site.mover.run.mockRejectedValueOnce(new Error('connection lost'))

  await expect(site.errands.run(errand())).rejects.toThrow('connection lost')
  expect(await site.errands.run(errand())).toHaveLength(1)
})
