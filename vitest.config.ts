import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['test/support/leftover-vhosts.ts'],
    projects: [
      {
        test: {
          name: 'parts',
          include: ['{shared,services,scripts}/**/*.test.ts', 'test/walls.test.ts'],
          testTimeout: 20_000,
          // Those with a broker mostly wait for it.
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/*.test.ts'],
          exclude: ['test/walls.test.ts'],
          // Above the time that `waitUntil` waits, so that it is the failed condition that is reported.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // A system is four processes and more, which mostly wait: three at a time fill a small machine, and the parts are done before.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
