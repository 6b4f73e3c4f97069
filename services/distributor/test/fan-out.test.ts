import { describe, expect, test } from 'vitest'
import { type Body, rowOf } from '../../../shared/events.ts'
import { ConfigError } from '../../../shared/service/errors.ts'
import { distributorConfig } from '../config.ts'
import { fanOut } from '../fan-out.ts'

const object = { id: 'o', tenant: 'acme', name: 'an object', content: 'c', createdAt: '2026-01-01T00:00:00Z' }
const split = { tasks: 3, deadlineMs: 600_000 }

const tasksOf = (bodies: readonly Body[]) => bodies.flatMap((body) => (body.type === 'TASK_CREATED' ? [body] : []))
const groupsOf = (bodies: readonly Body[]) =>
  bodies.flatMap((body) => (body.type === 'EventGroupCollectorCreate' ? [body] : []))

describe('G13: an object fans out', () => {
  test('into the group that waits for its tasks, and behind it the tasks', () => {
    const [group, ...tasks] = fanOut(object, split)

    expect(group).toEqual({
      type: 'EventGroupCollectorCreate',
      id: 'o',
      expected: ['o.1', 'o.2', 'o.3'],
      ttl: 600,
      completedBy: 'tasks',
      payload: { tenant: 'acme', createdAt: '2026-01-01T00:00:00Z' },
    })
    expect(tasks).toEqual(
      [1, 2, 3].map((index) => ({
        type: 'TASK_CREATED',
        task: { id: `o.${index}`, objectId: 'o', index, of: 3, tenant: 'acme' },
        object,
      })),
    )
  })

  test('into the same again when it is told of again', () => {
    expect(fanOut({ ...object }, split)).toEqual(fanOut(object, split))
  })

  test.each([
    ['one task, a second', { tasks: 1, deadlineMs: 1_000 }, 1],
    ['part of a second', { tasks: 3, deadlineMs: 1_500 }, 1.5],
    ['as many tasks and as long as there can be', { tasks: 1_000, deadlineMs: 2_592_000_000 }, 2_592_000],
  ])('%s: as the catalogue has it', (_, how, ttl) => {
    const bodies = fanOut(object, how)

    expect(groupsOf(bodies)).toMatchObject([{ ttl, expected: tasksOf(bodies).map(({ task }) => task.id) }])
    expect(tasksOf(bodies)).toHaveLength(how.tasks)
    for (const body of bodies) expect(rowOf(body.type).body.safeParse(body).success).toBe(true)
  })

  test.each([125, 126, 128])(
    'an id of %d characters gives tasks with ids of their own that are short enough',
    (chars) => {
      const [one, other] = ['a', 'b'].map((end) => fanOut({ ...object, id: 'x'.repeat(chars - 1) + end }, split))
      const ids = [one, other].flatMap((bodies = []) => tasksOf(bodies).map(({ task }) => task.id))

      expect(new Set(ids).size).toBe(6)
      for (const id of ids) expect(id.length).toBeLessThanOrEqual(128)
    },
  )
})

describe('the deadline of an object', () => {
  const deadlineOf = (given?: string) =>
    distributorConfig({
      EBS_AMQP_URL: 'amqp://localhost',
      ...(given !== undefined && { EBS_OBJECT_DEADLINE_MS: given }),
    }).own.EBS_OBJECT_DEADLINE_MS

  test.each([
    [undefined, 600_000],
    ['1000', 1_000],
    ['2592000000', 2_592_000_000],
  ])('%s is %d ms', (given, deadlineMs) => {
    expect(deadlineOf(given)).toBe(deadlineMs)
  })

  test.each(['0', '999', '2592000001', '-1', '1e5', '10m'])('%s is refused', (given) => {
    expect(() => deadlineOf(given)).toThrow(ConfigError)
  })
})
