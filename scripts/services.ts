/**
 * The services that `npm start` runs, with their ports, in the order in which they stop: where work comes in first, who counts
 * it last. To add a service, add a row.
 */
export const services = [
  { name: 'gateway', port: 8080 },
  { name: 'datagen', port: 8000 },
  { name: 'distributor', port: 8083 },
  { name: 'processor', port: 8084 },
  { name: 'hub', port: 8081 },
  { name: 'statistics', port: 8082 },
] as const

export type ServiceName = (typeof services)[number]['name']

export const serviceNames: readonly ServiceName[] = services.map(({ name }) => name)

export const isServiceName = (name: string): name is ServiceName => services.some((service) => service.name === name)
