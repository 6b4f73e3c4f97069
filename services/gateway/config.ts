import { checkWait, flowDeadlineMs } from '../../shared/flow/nesting.ts'
import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { ConfigError } from '../../shared/service/errors.ts'
import { siteName } from '../../shared/service/settings.ts'

/** Reads the environment; whoever waits must be able to outwait the hub, or would never learn how a slow flow ended. */
export function gatewayConfig(env?: Env) {
  const own = { EBS_FLOW_DEADLINE_MS: flowDeadlineMs, EBS_SITE: siteName.default('main') }
  const config = readServiceConfig({ name: 'gateway', port: 8080, own }, env)
  const mistakes = checkWait(config.own.EBS_FLOW_DEADLINE_MS, config.waitMsMax)
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return config
}
