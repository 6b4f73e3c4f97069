import { join } from 'node:path'
import { undoneOnInterrupt } from '../bench/interrupt.ts'
import type { BenchBroker } from '../bench/vhost.ts'
import { findBroker } from '../broker/find-broker.ts'
import { NoBrokerError } from '../broker/ways.ts'
import type { SetUpConfig } from '../config.ts'

/** The broker that `npm start` would use, or one that ends with the demo. Throws NoBrokerError when there is none with a management API. */
export async function useBroker(config: SetUpConfig): Promise<BenchBroker & AsyncDisposable> {
  const interrupted = new AbortController()
  const folder = join(config.root, '.ebs', 'demo-broker')
  const finding = findBroker({ config, purpose: 'start', folder, signal: interrupted.signal })
  const dispose = undoneOnInterrupt(async () => {
    interrupted.abort()
    const found = await finding.catch(() => undefined)
    await found?.owned?.running.stop()
  })
  const { amqpUrl, managementUrl, isUp } = await finding
  if (isUp && managementUrl !== undefined) return { amqpUrl, managementUrl, [Symbol.asyncDispose]: dispose }
  await dispose()
  throw new NoBrokerError(
    isUp
      ? 'A demo makes a virtual host of its own, over the management API: set EBS_AMQP_MANAGEMENT_URL beside EBS_AMQP_URL.'
      : 'The broker of EBS_AMQP_URL does not let us in: start it, or unset EBS_AMQP_URL and one is found or started.',
  )
}
