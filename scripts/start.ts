import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findBroker } from './broker/find-broker.ts'
import type { FoundBroker } from './broker/found-broker.ts'
import { killOwnNode } from './broker/private-node.ts'
import { readSetUpConfig, type SetUpConfig } from './config.ts'
import { exitWithMessage } from './exit.ts'
import { say, showProgress } from './progress.ts'
import { untilReady } from './readiness.ts'
import { type Place, placeServices, serviceEnvironment } from './places.ts'
import { serviceProcess } from './service-process.ts'
import { onStopRequest } from './stop-requests.ts'
import { superviseSystem, type System } from './supervisor.ts'
import { whatToTry } from './what-to-try.ts'

/** Beyond the time that a service gives itself to stop, before it is killed. */
const STOP_MARGIN_MS = 2_000

const root = fileURLToPath(new URL('../..', import.meta.url))
const brokerFolder = join(root, '.ebs', 'broker')

/** `npm start`: a broker, all services, and their life until Ctrl-C. The result is the exit status. */
async function start(config: SetUpConfig): Promise<number> {
  const startedAt = Date.now()
  const stopping = new AbortController()
  const { signal } = stopping
  let system: System | undefined
  using _ = onStopRequest({
    stop: () => {
      say('stopping; Ctrl-C again ends everything at once')
      stopping.abort()
    },
    kill: async () => {
      await system?.kill()
      await killOwnNode(brokerFolder)
      process.exit(130)
    },
  })
  const stopped = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)))
  try {
    const broker = await findBroker({ config, purpose: 'start', folder: brokerFolder, signal })
    const places = await placeServices(config)
    system = superviseSystem({ services: places.map((place) => startable(config, broker, place)), broker: broker.owned, say })
    const ready = untilAllReady(places, signal).then(() => {
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
      console.log(whatToTry({ config, broker, places, seconds }))
    })
    const hopeless = await Promise.race([stopped, system.hopeless, ready.then(() => Promise.race([stopped, system?.hopeless]))])
    if (hopeless !== undefined) say(`${hopeless} cannot run like this (see its message above): stopping`)
    await system.stop()
    say('stopped')
    return hopeless === undefined ? 0 : 2
  } catch (error) {
    if (!signal.aborted) throw error
    say('stopped')
    return 0
  }
}
