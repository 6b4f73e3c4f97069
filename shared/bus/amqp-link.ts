import { type ChannelModel, connect, type RecoveringChannelModel } from 'amqplib'
import { explainRefusal } from './amqp-declare.ts'
import { TopologyDriftError, UnsupportedBrokerError } from './broker.ts'
import { WRITE_BYTES_AT_ONCE } from './write-batching.ts'

/** A restarted broker is found again within this time, and a thousand clients do not come back at once. */
const RECOVERY = { initialDelay: 100, maxDelay: 5_000, jitter: 0.3 } as const
/** A peer that vanished without a word is noticed after two of these. */
const HEARTBEAT_S = 10
const CONNECT_MS_MAX = 10_000
/** A healthy broker answers within milliseconds. */
const CLOSE_MS_MAX = 2_000

type Setup = (model: ChannelModel) => Promise<void>

/** A connection that comes back by itself; each time it is up when `setup` has resolved. `name` is what operators see. */
export const connectAgain = (url: string, name: string, setup: Setup): Promise<RecoveringChannelModel> =>
  connect(withHeartbeat(url), {
    ...socketOptions(name),
    recovery: { ...RECOVERY, waitForConnect: false, setup: (model: ChannelModel) => prepare(model, setup) },
  })

/** A connection for one purpose, which nobody makes again. */
export const connectOnce = (url: string, name: string): Promise<ChannelModel> =>
  connect(withHeartbeat(url), socketOptions(name))

/** Closes a connection. For one that is lost in this very moment amqplib waits for ever; we do not. */
export async function closeLink(link: RecoveringChannelModel): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS_MAX)
  })
  try {
    await Promise.race([link.close(), tooLate])
  } finally {
    clearTimeout(timer)
  }
}

const socketOptions = (name: string) => ({
  noDelay: true,
  writableHighWaterMark: WRITE_BYTES_AT_ONCE,
  timeout: CONNECT_MS_MAX,
  clientProperties: { connection_name: name },
})

/** Runs the setup of one connection; a connection that ends meanwhile is a failed attempt, which amqplib would not notice. */
async function prepare(model: ChannelModel, setup: Setup): Promise<void> {
  let ended: Error | undefined
  model.on('error', (error) => {
    ended = error
  })
  const lost = new Promise<never>((_, reject) => {
    model.on('close', () => {
      ended ??= new Error('the connection ended while it was being set up')
      reject(ended)
    })
  })
  // Long after the setup it is no failure of it.
  lost.catch(() => undefined)
  try {
    // Not every call of amqplib is answered when its connection ends.
    await Promise.race([setup(model), lost])
  } catch (error) {
    // Drift and an old broker explain themselves; anything else is explained by why the connection ended, if it did.
    throw error instanceof TopologyDriftError || error instanceof UnsupportedBrokerError
      ? error
      : explainRefusal(ended ?? error)
  }
  if (ended) throw explainRefusal(ended)
}

/** amqplib takes the heartbeat from the url only; one that is given stays. */
function withHeartbeat(url: string): string {
  const parsed = new URL(url)
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(HEARTBEAT_S))
  return parsed.href
}
