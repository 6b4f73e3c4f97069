import { type Env, readServiceConfig } from '../../shared/service/config.ts'

export const gatewayConfig = (env?: Env) => readServiceConfig({ name: 'gateway', port: 8080, own: {} }, env)
