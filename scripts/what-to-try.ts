import { join, relative } from 'node:path'
import type { ServicePlace, SetUpConfig } from './config.ts'
import { urlOf } from './places.ts'

export type Ready = {
  readonly config: Pick<SetUpConfig, 'host' | 'dataDir'>
  readonly places: readonly ServicePlace[]
  /** Of the broker, with user and password. */
  readonly managementUrl: string | undefined
  /** Queues outlive the system. */
  readonly isKept: boolean
  readonly tookMs: number
}

/** What a newcomer reads when everything is up: commands to paste. */
export function whatToTry({ config, places, managementUrl, isKept, tookMs }: Ready): string {
  const datagen = places.find(({ name }) => name === 'datagen')
  const gateway = places.find(({ name }) => name === 'gateway')
  const database = relative(process.cwd(), join(config.dataDir, 'stats.db'))
  const lines = [
    `everything is ready after ${(tookMs / 1000).toFixed(1)} s. In another terminal:`,
    ...(datagen ? [`  curl -X POST ${urlOf(datagen, config.host)}/api/objects`] : []),
    ...(gateway ? [flowLine(urlOf(gateway, config.host))] : []),
    `  watch -n .5 'sqlite3 ${database} "select * from statistics"'`,
    ...(managementUrl === undefined ? [] : [managementLine(new URL(managementUrl))]),
    `  Ctrl-C stops everything; what waits in ${isKept ? 'queues and databases' : 'databases'} is kept`,
  ]
  return lines.map((line) => `ebs  ${line}`).join('\n')
}

const flowLine = (url: string) =>
  `  curl -H 'Prefer: wait=15' -H 'Content-Type: application/json' -d '{"length":3}' ${url}/api/flows`

/** Only the well-known password is shown. */
function managementLine({ origin, username, password }: URL): string {
  const secret = username === 'guest' && password === 'guest' ? 'guest/guest' : `user ${username}`
  return `  ${origin} in a browser: RabbitMQ's queues (${secret})`
}
