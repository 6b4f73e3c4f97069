import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLog } from '../../service/log.ts'
import { subscribe } from '../consumer.ts'
import { pasteInto, retryPolicy, testPlan, virtualSite } from './bus-fixture.ts'

test('a flood of dead letters is some lines and a sum, per queue and second', async () => {
  const { site, clock } = virtualSite(testPlan(false))
  await using _ = site
  const broker = site.connect()
  const lines: { readonly msg: string; readonly omitted?: number; readonly queue: string }[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).trim().split('\n')) lines.push(JSON.parse(line))
      done()
    },
  })
  const log = createLog({ service: 'test', level: 'info', destination })
  const bus = site.bus(broker, { log })
  for (const queue of ['work', 'other']) await subscribe(bus, { queue, retry: retryPolicy(), handlers: {} })

  for (let n = 0; n < 200; n++) await broker.publish(pasteInto('work', Buffer.from('hello')))
  await broker.publish(pasteInto('other', Buffer.from('hello')))
  await clock.advance(3_000)
  await broker.publish(pasteInto('work', Buffer.from('hello')))
  await clock.advance(3_000)

  const of = (queue: string) => lines.filter((line) => line.queue === queue)
  expect(of('work').filter(({ msg }) => msg === 'a message is dead')).toHaveLength(6)
  expect(
    of('work')
      .map(({ omitted = 0 }) => omitted)
      .reduce((sum, n) => sum + n),
  ).toBe(195)
  expect(of('other').map(({ msg }) => msg)).toEqual(['a message is dead'])
})
