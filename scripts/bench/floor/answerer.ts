import { causeOf, startFloor } from './channel.ts'
import { floorEnvironment } from './config.ts'

const { amqpUrl } = floorEnvironment()

/** Answers each request with its own body, and acks it once the answer is confirmed. */
await startFloor({ amqpUrl, service: 'answerer', queue: 'bare_requests' }, (delivery, publish, acks) => {
  const { id } = JSON.parse(delivery.content.toString())
  publish('bare.answers', { type: 'BARE_ANSWER', id }, causeOf(delivery), acks.taken(delivery))
})
