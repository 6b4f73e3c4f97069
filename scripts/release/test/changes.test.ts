import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Plan, topologyPlan, topologyVersion } from '../../../shared/topology.ts'
import { ADVICE, breaksBetween } from '../changes.ts'
import { type RecordedTopology, readRelease, releaseFolders } from '../recorded.ts'

const releases = releaseFolders(join(import.meta.dirname, '..', '..', '..', 'test', 'releases')).map((folder) => {
  const { release, topology } = readRelease(folder)
  return { version: release.version, topologyVersion: release.topologyVersion, topology }
})

test.each(releases)(
  'what $version has declared still is as it was, or the version of the topology was raised',
  (recorded) => {
    const breaks = breaksBetween(recorded.topology, topologyPlan('quorum'))

    if (topologyVersion === recorded.topologyVersion) expect(breaks, ADVICE).toEqual([])
    expect(topologyVersion).toBeGreaterThanOrEqual(recorded.topologyVersion)
  },
)

describe('as a break is told', () => {
  const plan = topologyPlan('quorum')
  const asRecorded = (): RecordedTopology => ({
    exchanges: plan.exchanges.map(({ name, type, arguments: args }) => ({ name, type, arguments: { ...args } })),
    queues: plan.queues.map(({ name, arguments: args }) => ({ name, arguments: { ...args } })),
    bindings: plan.bindings.map(({ source, destination, to, key }) => ({
      ...{ source, destination, destination_type: to, routing_key: key },
    })),
  })
  const without = (name: string): Plan => ({
    exchanges: plan.exchanges,
    queues: plan.queues.filter((one) => one.name !== name),
    bindings: plan.bindings.filter(({ destination }) => destination !== name),
  })

  test('nothing has changed, or was only added: none', () => {
    const recorded = asRecorded()
    expect(breaksBetween(recorded, plan)).toEqual([])
    const older = { ...recorded, queues: recorded.queues.slice(5), bindings: recorded.bindings.slice(9) }
    expect(breaksBetween(older, plan)).toEqual([])
  })

  test.each([
    {
      what: 'another argument of a queue',
      edit: { 'x-delivery-limit': 7 },
      said: /^queue statistics is .*100.* it was .*7/,
    },
    { what: 'one more', edit: { 'x-max-length': 7 }, said: /^queue statistics is .* it was .*"x-max-length":7/ },
  ])('$what', ({ edit, said }) => {
    const recorded = asRecorded()
    const queues = recorded.queues.map((one) =>
      one.name === 'statistics' ? { ...one, arguments: { ...one.arguments, ...edit } } : one,
    )
    expect(breaksBetween({ ...recorded, queues }, plan)).toEqual([expect.stringMatching(said)])
  })

  test('another type of an exchange', () => {
    const recorded = asRecorded()
    const exchanges = recorded.exchanges.map((one) => (one.name === 'ebs' ? { ...one, type: 'fanout' } : one))
    expect(breaksBetween({ ...recorded, exchanges }, plan)).toEqual([expect.stringMatching(/^exchange ebs is .*topic/)])
  })

  test('a binding, or a queue with its bindings, that is gone', () => {
    const gone = breaksBetween(asRecorded(), without('distributor_consume'))
    expect(gone).toContain("binding ebs -> distributor_consume 'objects' is gone")
  })
})
