import { causeOf, startFloor } from './channel.ts'
import { floorEnvironment } from './config.ts'

const { amqpUrl } = floorEnvironment()

/** Answers each request for an activity that does nothing, and acks it once the answer is confirmed. */
await startFloor({ amqpUrl, service: 'worker', queue: 'activity.noop' }, (delivery, publish, acks) => {
  const { callId, attempt } = JSON.parse(delivery.content.toString())
  const answer = { type: 'ACTIVITY_SUCCEEDED', callId, attempt, status: 200, output: null }
  publish('activities.succeeded', answer, causeOf(delivery), acks.taken(delivery))
})
