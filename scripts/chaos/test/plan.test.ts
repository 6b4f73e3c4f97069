import { expect, test } from 'vitest'
import { faultNames, faultOf } from '../faults.ts'
import { commandOf, readOptions } from '../options.ts'
import { drawPlan, type Step } from '../plan.ts'

const nominalMs = (plan: readonly Step[]) =>
  plan.reduce((sum, { gapMs, holdMs, fault }) => sum + gapMs + holdMs + faultOf(fault).takesMs, 0)
const seeds = Array.from({ length: 50 }, (_, seed) => seed)

test('the same seed is the same plan, and another seed another one', () => {
  const plans = seeds.map((seed) => JSON.stringify(drawPlan({ seed, minutes: 3, only: faultNames })))

  expect(plans).toEqual(seeds.map((seed) => JSON.stringify(drawPlan({ seed, minutes: 3, only: faultNames }))))
  expect(new Set(plans).size).toBe(seeds.length)
})

test.each(seeds)('seed %i: each fault comes once before any comes again, and all fit into the time', (seed) => {
  const plan = drawPlan({ seed, minutes: 5, only: faultNames })

  expect(
    plan
      .slice(0, faultNames.length)
      .map(({ fault }) => fault)
      .sort(),
  ).toEqual([...faultNames].sort())
  expect(nominalMs(plan)).toBeLessThanOrEqual(5 * 60_000)
  for (const { fault, target, holdMs } of plan) {
    const { targets, holdMs: range } = faultOf(fault)
    expect(targets ?? [undefined]).toContain(target)
    expect(holdMs).toBeGreaterThanOrEqual(range[0])
    expect(holdMs).toBeLessThanOrEqual(range[1])
  }
  expect(plan.filter(({ fault }) => fault === 'starve-heartbeats')).toHaveLength(1)
})

test('half a minute has room for several faults, and no room for the longest', () => {
  for (const seed of seeds) {
    const struck = drawPlan({ seed, minutes: 0.5, only: faultNames }).map(({ fault }) => fault)
    expect(struck.length).toBeGreaterThanOrEqual(3)
    expect(struck).not.toContain('starve-heartbeats')
  }
})

test.each([
  { args: [], read: { minutes: 1, seed: 7, only: faultNames, isJson: false } },
  {
    args: ['--minutes', '0.5', '--seed', '0', '--only', 'full-disk, kill-broker,full-disk', '--json'],
    read: { minutes: 0.5, seed: 0, only: ['full-disk', 'kill-broker'], isJson: true },
  },
  { args: ['--minutes', '0'], read: undefined },
  { args: ['--minutes', ''], read: undefined },
  { args: ['--minutes', 'two'], read: undefined },
  { args: ['--minutes', '1441'], read: undefined },
  { args: ['--seed', '-1'], read: undefined },
  { args: ['--seed=1.5'], read: undefined },
  { args: ['--seed', '4294967296'], read: undefined },
  { args: ['--only', 'earthquake'], read: undefined },
  { args: ['--only', ''], read: undefined },
  { args: ['--hours', '1'], read: undefined },
])('reads the arguments $args', ({ args, read }) => {
  expect(readOptions(args, () => 7)).toEqual(read)
})

test('the command of a report is read as the run that it came from', () => {
  const wish = { minutes: 2.5, seed: 4_294_967_295, only: ['full-disk', 'kill-broker'] } as const

  expect(commandOf(wish)).toBe('npm run chaos -- --minutes 2.5 --seed 4294967295 --only full-disk,kill-broker')
  expect(readOptions(commandOf(wish).split(' ').slice(4), () => 0)).toEqual({ ...wish, isJson: false })
})
