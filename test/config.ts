import { z } from 'zod'

const schema = z.object({
  EBS_TEST_AMQP_URL: z.url(),
  EBS_TEST_MANAGEMENT_URL: z.url(),
  EBS_TEST_OWN_BROKER: z.stringbool().default(false),
})

/** Where the tests' broker listens: AMQP, and the management API with user and password in the url. */
export type TestConfig = {
  readonly amqpUrl: string
  readonly managementUrl: string
  /** The broker outlives the tests, so they clean up behind themselves. */
  readonly isShared: boolean
}

/** Reads the environment of a test run; undefined when it names no broker, which many tests do not need. */
export function findTestConfig(): TestConfig | undefined {
  const { success, data } = schema.safeParse(process.env)
  if (!success) return undefined
  const { EBS_TEST_AMQP_URL: amqpUrl, EBS_TEST_MANAGEMENT_URL: managementUrl, EBS_TEST_OWN_BROKER: isOwn } = data
  return { amqpUrl, managementUrl, isShared: !isOwn }
}

/** The same for a test that needs a broker. Throws when there is none. */
export function testConfig(): TestConfig {
  const config = findTestConfig()
  if (!config)
    throw new Error(
      'This test needs a broker: EBS_TEST_AMQP_URL and EBS_TEST_MANAGEMENT_URL are not set. `npm test` starts a broker and ' +
        'sets both; to run one test by hand, set them to a broker of yours, such as amqp://guest:guest@127.0.0.1:5672 and ' +
        'http://guest:guest@127.0.0.1:15672.',
    )
  return config
}
