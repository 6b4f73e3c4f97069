import { readFileSync } from 'node:fs'
import { type Channel, type ChannelModel, connect } from 'amqplib'

/** One thing that somebody tries on the broker. */
export type Attempt = { readonly what: string; readonly act: (channel: Channel) => Promise<unknown> }

const AT_ONCE = 10

export const publishing = (exchange: string, key: string): Attempt => ({
  what: `publish '${key}' to '${exchange}'`,
  act: async (channel) => {
    channel.publish(exchange, key, Buffer.from('{}'))
    // Answered behind it; a refused publish has ended the channel by then.
    await channel.checkExchange('ebs')
  },
})
export const reading = (queue: string): Attempt => ({
  what: `read ${queue}`,
  // A stream is not got from, and needs a prefetch; the right to it is looked at before.
  act: (channel) => (queue === 'ebs.control' ? channel.consume(queue, () => undefined) : channel.get(queue)),
})

/** What the broker does not refuse for want of rights, of all that this user tries, each on a channel of its own. */
export async function allowedOf(url: string, ca: string, attempts: readonly Attempt[]): Promise<readonly string[]> {
  const model = await connect(url, { ca: [readFileSync(ca)] })
  try {
    const lanes = Array.from({ length: AT_ONCE }, (_, lane) => attempts.filter((_one, i) => i % AT_ONCE === lane))
    return (await Promise.all(lanes.map((lane) => allowedIn(model, lane)))).flat()
  } finally {
    await model.close()
  }
}

async function allowedIn(model: ChannelModel, lane: readonly Attempt[]): Promise<string[]> {
  const allowed: string[] = []
  for (const { what, act } of lane) {
    const channel = await model.createChannel()
    let reason = ''
    channel.on('error', (error: Error) => {
      reason = error.message
    })
    try {
      await act(channel)
      await channel.close()
    } catch (error) {
      if (reason === '') reason = String(error)
    }
    if (!reason.includes('ACCESS_REFUSED')) allowed.push(what)
  }
  return allowed
}
