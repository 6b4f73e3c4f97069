/**
 * Tests that change what belongs to the whole process: they mock modules or prototypes, stop its clock, set its environment, register a provider
 * of spans. Each has a worker of its own; all other parts share theirs (vitest.config.ts). A wall keeps the list complete.
 */
export const ALONE: readonly string[] = [
  'scripts/chaos/test/strikes.test.ts',
  'scripts/deploy/test/observability.test.ts',
  'services/gateway/test/lost-replies.test.ts',
  'shared/bus/test/amqp-queue.test.ts',
  'shared/bus/test/write-batching.test.ts',
  'shared/service/test/auth-keys.test.ts',
  'shared/service/test/metrics.test.ts',
  'shared/service/test/rate-limits.test.ts',
  'shared/store/test/store-contract.test.ts',
  'shared/test/clock.test.ts',
  'shared/tracing/test/failures.test.ts',
  'shared/tracing/test/sdk.test.ts',
  'test/spans.test.ts',
]
