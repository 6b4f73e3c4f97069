import { type ChannelModel, connect, type Options, type RecoveringChannelModel } from 'amqplib'
import { explainRefusal } from './amqp-declare.ts'
import { closeConnection, hangUp, tend, withinCloseTime } from './amqp-goodbye.ts'
import type { AmqpNodes } from './amqp-nodes.ts'
import { socketOf } from './amqp-socket.ts'
import { isFinal } from './broker.ts'
import { WRITE_BYTES_AT_ONCE } from './write-batching.ts'

/** A restarted broker is found again within this time, and a thousand clients do not come back at once. */
const RECOVERY = { initialDelay: 100, maxDelay: 5_000, jitter: 0.3 } as const
const CONNECT_MS_MAX = 10_000
/**
 * Declaring some 260 things and reading the control stream to its end takes 10 s and more on a loaded machine; a node that shakes hands,
 * beats and has answered nothing else for so long (a frozen disk, a minority of its cluster) is one that does not answer.
 */
const SETUP_MS_MAX = 60_000

/** A setup that waits for something on a node that answers, for as long as it takes, calls `answered` again and again. */
export type Setup = (model: ChannelModel, answered: () => void) => Promise<void>

type LinkOptions = {
  /** What operators see. */
  readonly name: string
  readonly setup: Setup
  /** When the setup has neither ended nor called `answered` for so long, it has failed. */
  readonly setupMsMax?: number
}

export type AmqpLink = {
  readonly connection: RecoveringChannelModel
  /** Ends it, also while it is being made. For one that is lost in this very moment amqplib waits for ever; we do not. */
  close(): Promise<void>
}

/**
 * A connection that comes back by itself, each time that it is lost or cannot be made to the node that comes next; it is up when `setup`
 * has resolved.
 */
export async function connectAgain(nodes: AmqpNodes, options: LinkOptions): Promise<AmqpLink> {
  const { name, setup, setupMsMax = SETUP_MS_MAX } = options
  let isOpening = false
  let isClosing = false
  let last: ChannelModel | undefined
  // amqplib knows one address, but reads it anew for each connection that it makes: so it is given the one of the node whose turn it is.
  const address = new Proxy<Options.Connect>(
    {},
    {
      get(_, field) {
        isOpening = true
        return Reflect.get(nodes.current, field)
      },
    },
  )
  const connection = await connect(address, {
    ...socketOptions(name),
    ...nodes.tls.options,
    recovery: {
      ...RECOVERY,
      waitForConnect: false,
      setup(model: ChannelModel) {
        isOpening = false
        last = model
        return prepare(model, isClosing ? closedMeanwhile : setup, setupMsMax)
      },
    },
  })
  // Whoever wants to know why listens, too; without a listener Node would end the process.
  connection.on('error', () => undefined)
  // amqplib begins after this, and waits before it tries again.
  connection.on('disconnect', () => nodes.turn())
  connection.on('connect-failed', () => {
    isOpening = false
    nodes.turn()
  })
  return {
    connection,
    async close() {
      isClosing = true
      await withinCloseTime(isOpening ? closeWhenMade(connection) : connection.close())
      if (last) hangUp(last)
    },
  }
}

/**
 * A connection that amqplib makes after its `close` has no listener for errors: one that is lost before it has said goodbye would end the
 * process. So it is made first, and `prepare`, which listens, refuses it.
 */
async function closeWhenMade(connection: RecoveringChannelModel): Promise<void> {
  await new Promise((resolve) => connection.once('connect-failed', resolve))
  await connection.close()
}

async function closedMeanwhile(): Promise<void> {
  throw new Error('the connection was closed while it was being made')
}

/** A connection for one purpose, to the node whose turn it is, which nobody makes again. To be ended by `closeConnection`. */
export async function connectOnce({ current, tls }: Pick<AmqpNodes, 'current' | 'tls'>, name: string) {
  const model = await connect(current, { ...socketOptions(name), ...tls.options })
  tend(model)
  return model
}

/** The same, to the first node that answers, from the one on whose turn it is. Rejects when none does. */
export async function connectToAny(nodes: AmqpNodes, name: string): Promise<ChannelModel> {
  for (let others = nodes.count - 1; ; others--)
    try {
      return await connectOnce(nodes, name)
    } catch (error) {
      if (others === 0) throw error
      nodes.turn()
    }
}

const socketOptions = (name: string) => ({
  noDelay: true,
  writableHighWaterMark: WRITE_BYTES_AT_ONCE,
  timeout: CONNECT_MS_MAX,
  clientProperties: { connection_name: name },
})

/**
 * Runs the setup of one connection; a connection that ends meanwhile, or a node that does not answer in time, is a failed attempt, which
 * amqplib would not notice.
 */
async function prepare(model: ChannelModel, setup: Setup, msMax: number): Promise<void> {
  tend(model)
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
  // The socket, because such a node does not answer a goodbye either: amqplib would wait for it before it tries the next one.
  const giveUp = () =>
    socketOf(model)?.destroy(new Error(`the broker shook hands, and did not answer what came then within ${msMax} ms`))
  const timer = setTimeout(giveUp, msMax)
  try {
    // Not every call of amqplib is answered when its connection ends.
    await Promise.race([setup(model, () => timer.refresh()), lost])
  } catch (error) {
    // Drift, and a broker that is too old or made for a newer ebs, explain themselves; anything else is explained by why the connection ended, if it did.
    const reason = isFinal(error) ? error : explainRefusal(ended ?? error)
    // Or amqplib would do it, and never connect again if the connection is lost just then.
    await closeConnection(model)
    throw reason
  } finally {
    clearTimeout(timer)
  }
  if (ended) throw explainRefusal(ended)
}
