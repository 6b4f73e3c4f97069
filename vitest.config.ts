import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { ALONE } from './test/support/alone.ts'

/** Those that take half a minute and more. Begun last, they would end alone, with the other workers idle. */
const LONGEST = [
  ...['lost-broker', 'sideline-faults', 'killed-processes', 'hub-faults', 'sidelines', 'journey-faults', 'demos'],
  ...['chaos', 'least-privilege', 'private-node', 'broker-contract', 'sim', 'held-back', 'failover-faults'],
  ...[
    'topology-change',
    'upgrade',
    'applying',
    'processors',
    'ledger',
    'journeys',
    'dead-letters',
    'object-flow',
    'why',
  ],
].map((name) => `${name}.test.ts`)

const isIn = (names: readonly string[], { moduleId }: TestSpecification) =>
  names.some((name) => moduleId.endsWith(`/${name}`))

/** First those that are alone, because a worker that is shared is given up for each of them; then the longest. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = (file: TestSpecification) => (isIn(ALONE, file) ? 0 : isIn(LONGEST, file) ? 1 : 2)
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}

/** Of the parts, also of those that are alone. */
const PARTS = {
  // A busy machine takes longer than a second for what is polled for; what never comes is told all the same.
  expect: { poll: { timeout: 5_000 } },
  testTimeout: 20_000,
  // A connection whose broker is too busy to answer is given up after 10 s; then its virtual host goes.
  hookTimeout: 30_000,
  // Those with a broker mostly wait for it.
  maxWorkers: 3,
} as const

export default defineConfig({
  test: {
    globalSetup: ['test/support/leftover-vhosts.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...PARTS,
          name: 'parts',
          include: ['{shared,services,scripts}/**/*.test.ts', 'test/{walls,trace-context}.test.ts'],
          exclude: [...ALONE],
          // To start a worker and to load the same modules for every file would be two fifths of their processor time.
          isolate: false,
        },
      },
      { test: { ...PARTS, name: 'alone', include: [...ALONE] } },
      {
        test: {
          name: 'system',
          include: ['test/*.test.ts'],
          exclude: ['test/{walls,spans,trace-context,cluster}.test.ts'],
          // Above the time that `waitUntil` waits, so that it is the failed condition that is reported.
          testTimeout: 240_000,
          hookTimeout: 120_000,
          // What they change is in other processes.
          isolate: false,
          // A system is four processes and more, which mostly wait: three at a time fill a small machine, and the parts are done before.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          // Three nodes of RabbitMQ and a system fill a small machine for two minutes: only when asked for, see scripts/test.ts.
          name: 'cluster',
          include: ['test/cluster.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
