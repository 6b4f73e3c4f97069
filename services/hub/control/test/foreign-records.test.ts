import { expect, test } from 'vitest'
import type { Body } from '../../../../shared/events.ts'
import { operatedSystem } from '../../test/operated-system.ts'

const queues = ['process_consume']
/** Of the stream of rules, and an errand: none of them is for the hub's queue, though it hears `sidelines.*`. */
const records: readonly Body[] = [
  {
    type: 'SIDELINE_RULE',
    rule: {
      ...{ id: 'acme', episode: 1, revision: Date.now(), phase: 'park', filter: 'tenant == "acme"', queues },
      ...{ actor: 'mallory', reason: 'for fun', since: '2026-01-01T00:00:00.000Z' },
    },
  },
  { type: 'SIDELINE_APPLIED', id: 'acme', revision: 1, queue: 'process_consume', consumer: 'c1' },
  { type: 'SIDELINE_TRIAL', trial: 't1', filter: 'true', queues, sample: 1 },
  {
    ...{ type: 'SIDELINE_TRIED', trial: 't1', queue: 'process_consume', consumer: 'c1' },
    ...{ sampled: 1, matched: 1, unclear: 0, examples: [] },
  },
  { type: 'SIDELINE_ERRAND', id: 'acme', revision: 1, queues, step: 'settle' },
]

test.each([
  { way: 'over the exchange', isStraight: false },
  { way: 'straight to its queue', isStraight: true },
])(
  'S1, D5: records of rules that a stranger sends to the hub $way are dead, each with its reason, and no rule',
  async ({ isStraight }) => {
    await using system = await operatedSystem()

    for (const record of records) await (isStraight ? system.put('hub_consume', record) : system.say(record, 'any'))

    await expect.poll(() => system.waiting('hub_consume.dead'), { timeout: 5_000 }).toBe(records.length)
    await expect.poll(async () => (await system.get('/api/dead')).items.length, { timeout: 5_000 }).toBe(records.length)
    const dead: { type: string; reason: string; error: string }[] = (await system.get('/api/dead')).items
    expect(dead.map(({ type, reason, error }) => [type, reason, error]).sort()).toEqual(
      records
        .map(({ type }) => [type, 'poison', expect.stringContaining(`type: hub_consume does not handle ${type}`)])
        .sort(),
    )
    expect((await system.get('/api/sidelines')).items).toEqual([])
    await system.sayTask(1, 'acme')
    await expect.poll(() => system.handled).toEqual(['t1'])
  },
)
