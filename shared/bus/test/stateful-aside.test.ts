import { expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import { type Message, ReturnedError } from '../broker.ts'
import { eventually, pasteInto, sites, taskBody } from './bus-fixture.ts'
import { startService } from './stateful-fixture.ts'

test.each(sites)(
  'D5: poison whose dead queue is gone waits beside the others, and they are done, $site',
  async ({ open }) => {
    await using site = await open()
    const broker = site.connect()
    const isDead = ({ properties }: Message) => properties.headers?.['x-ebs-reason'] !== undefined
    let isGone = true
    const { batches, lines, loop } = await startService(site, new MemoryStore(), {
      gate: async (message) => {
        if (isGone && isDead(message)) throw new ReturnedError('the dead queue is gone')
      },
    })

    await broker.publish({ exchange: '', key: 'work', body: Buffer.from('not json'), properties: {} })
    for (const n of [1, 2]) await broker.publish(pasteInto('work', taskBody(n), { messageId: `m${n}` }))
    await eventually(() => expect(batches.flat().toSorted()).toEqual([1, 2]))
    expect((await broker.inspect('work.dead'))?.messages).toBe(0)

    isGone = false
    await eventually(async () => expect((await broker.inspect('work.dead'))?.messages).toBe(1))
    expect(lines).toContain('dead work poison')
    await loop.stop(1_000)
  },
)
