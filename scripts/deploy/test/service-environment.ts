import { datagenConfig } from '../../../services/datagen/config.ts'
import { distributorConfig } from '../../../services/distributor/config.ts'
import { gatewayConfig } from '../../../services/gateway/config.ts'
import { hubConfig } from '../../../services/hub/config.ts'
import { processorConfig } from '../../../services/processor/config.ts'
import { statisticsConfig } from '../../../services/statistics/config.ts'
import type { Env, ServiceConfig } from '../../../shared/service/config.ts'
import type { ServiceName } from '../../services.ts'

/** How each service reads its environment. */
export const configs: Readonly<Record<ServiceName, (env: Env) => ServiceConfig>> = {
  gateway: gatewayConfig,
  datagen: datagenConfig,
  distributor: distributorConfig,
  processor: processorConfig,
  hub: hubConfig,
  statistics: statisticsConfig,
}

/**
 * Variables that the service does not read. Its configuration tells of names that are nearly one of its own: so a name is its own when a
 * slip in it is told, with the name that was meant.
 */
export const unknownVariables = (service: ServiceName, env: Env): readonly string[] =>
  Object.keys(env)
    .filter((name) => name.startsWith('EBS_'))
    .filter((name) => {
      const { warnings } = configs[service]({ [`${name}X`]: 'a slip' })
      return !warnings.some((warning) => warning.startsWith(`${name}X `) && warning.endsWith(` ${name}?`))
    })
