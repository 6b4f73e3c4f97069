import { readFileSync } from 'node:fs'
import { serviceNames } from '../services.ts'
import { commandOf } from './command.ts'
import { containerConfig } from './config.ts'
import { isReady } from './health.ts'

const EXIT_UNHEALTHY = 1
const EXIT_USAGE = 2

/** The services by name, each loaded only when it is the one. */
const load = {
  gateway: () => import('../../services/gateway/main.ts'),
  datagen: () => import('../../services/datagen/main.ts'),
  distributor: () => import('../../services/distributor/main.ts'),
  processor: () => import('../../services/processor/main.ts'),
  hub: () => import('../../services/hub/main.ts'),
  statistics: () => import('../../services/statistics/main.ts'),
} as const

/** What the image runs: `<service>`, `cli <noun> <verb> ...`, or `health [<service>]` (missing: the service that this container runs). */
const command = commandOf(process.argv.slice(2), () => readFileSync('/proc/1/cmdline', 'utf8').split('\0'))
switch (command.kind) {
  case 'service':
    await load[command.service]()
    break
  case 'cli':
    // The command line reads what is behind its own name.
    process.argv.splice(2, 1)
    await import('../cli/main.ts')
    break
  case 'health': {
    const verdict = await isReady(containerConfig(command.service))
    console.log(verdict.says)
    process.exit(verdict.isReady ? 0 : EXIT_UNHEALTHY)
    break
  }
  case 'usage':
    console.error(
      `${command.says}\nservices: ${serviceNames.join(', ')}; or: cli <noun> <verb> ...; or: health [<service>]`,
    )
    process.exit(EXIT_USAGE)
}
