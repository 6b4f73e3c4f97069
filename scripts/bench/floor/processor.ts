import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { afterCalls, causeOf, startFloor } from './channel.ts'
import { floorEnvironment } from './config.ts'

const { amqpUrl } = floorEnvironment()
const processor = `${hostname()}-${process.pid}`

await startFloor({ amqpUrl, service: 'processor', queue: 'process_consume' }, (delivery, publish, acks) => {
  const { task, object } = JSON.parse(delivery.content.toString())
  const confirmed = afterCalls(2, acks.taken(delivery))
  const run = { taskId: task.id, objectId: task.objectId, processor, attempt: 1 }
  const startedAt = performance.now()
  publish('tasks.started', { type: 'TASK_STARTED', ...run }, causeOf(delivery), confirmed)
  const result = createHash('sha256').update(object.content).digest('hex')
  const durationMs = performance.now() - startedAt
  publish('tasks.finished', { type: 'TASK_FINISHED', ...run, durationMs, result }, causeOf(delivery), confirmed)
})
