import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{shared,services,scripts,test}/**/*.test.ts'],
    testTimeout: 20_000,
  },
})
