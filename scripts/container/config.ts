import { readServiceConfig } from '../../shared/service/config.ts'
import { type ServiceName, services } from '../services.ts'

/** Where a service of this container listens. Throws ConfigError. */
export function containerConfig(
  name: ServiceName,
  env = process.env,
): { readonly name: string; readonly host: string; readonly port: number } {
  const port = services.find((service) => service.name === name)?.port ?? 0
  const config = readServiceConfig({ name, port, own: {} }, env)
  return { name, host: config.host, port: config.port }
}
