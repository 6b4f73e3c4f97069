import type { Env } from '../shared/service/config.ts'
import { ConfigError, type Mistake } from '../shared/service/errors.ts'
import type { FoundBroker } from './broker/found-broker.ts'
import type { SetUpConfig } from './config.ts'
import { fastFolder } from './fast-folder.ts'

/** Throws ConfigError when the tests cannot run with what `EBS_BROKER` asks for. */
export function checkTestBroker({ forced, amqpManagementUrl }: SetUpConfig): void {
  const mistakes: Mistake[] = []
  if (forced === 'memory') {
    const accepted = 'url, local or docker for npm test, which tests against RabbitMQ'
    mistakes.push({ variable: 'EBS_BROKER', given: forced, accepted })
  }
  if (forced === 'url' && amqpManagementUrl === undefined) {
    const accepted =
      'the url of the management API with user and password, in which the tests make virtual hosts of their own'
    mistakes.push({ variable: 'EBS_AMQP_MANAGEMENT_URL', given: undefined, accepted })
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes)
}

/** What the tests run with: the broker, a fast place for their files unless the user has named one, and none of the user's own settings for ebs, which would change what is tested. */
export function testEnvironment(env: Env, { amqpUrl, managementUrl = '', owned }: FoundBroker): NodeJS.ProcessEnv {
  const isSetting = (name: string) => name === 'QUEUE_URL' || (name.startsWith('EBS_') && !name.startsWith('EBS_TEST_'))
  const folder = fastFolder()
  return {
    ...(folder !== undefined && { TMPDIR: folder }),
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !isSetting(name))),
    EBS_TEST_AMQP_URL: amqpUrl,
    EBS_TEST_MANAGEMENT_URL: managementUrl,
    EBS_TEST_OWN_BROKER: String(owned !== undefined),
  }
}
