import { expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import { metaOf } from '../envelope.ts'
import { failingNews } from '../replay-outcome.ts'
import { sites, taskBody } from './bus-fixture.ts'

const group: Body = { type: 'EventGroupCollectorCreate', id: 'g', expected: ['a'], completedBy: 'done' }
const flow: Body = { type: 'FLOW_REQUESTED', flowId: 'f', length: 1, mode: 'parallel' }

test.each<[string, string, Body, readonly unknown[]]>([
  ['opens a group', 'hub_consume', group, [{ kind: 'group', id: 'g' }]],
  ['begins a flow', 'hub_consume', flow, [{ kind: 'flow', id: 'f' }]],
  ['opens a group, at a queue that only watches', 'statistics', group, []],
  ['is a task, whose service says it', 'process_consume', taskBody(1), []],
])('a retry of what was not replayed is told to the ledger when the message %s', async (_, queue, data, subjects) => {
  const [site] = sites
  if (!site) throw new Error('There is no site')
  await using opened = await site.open()
  const bus = opened.bus(opened.connect())
  const properties = { messageId: 'm1', headers: {} }
  const meta = metaOf({ exchange: 'ebs', key: 'k', body: Buffer.from(JSON.stringify(data)), properties })

  const news = failingNews(bus, { meta, queue, data }, 'no')

  expect(news.map(({ body }) => JSON.parse(body.toString()).subject)).toEqual(subjects)
})
