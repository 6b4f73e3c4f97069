import { randomUUID } from 'node:crypto'
import { afterCalls, causeOf, startFloor } from './channel.ts'
import { floorEnvironment } from './config.ts'

const TASKS_PER_OBJECT = 3

const { amqpUrl } = floorEnvironment()

await startFloor({ amqpUrl, service: 'distributor', queue: 'distributor_consume' }, (delivery, publish, acks) => {
  const { object } = JSON.parse(delivery.content.toString())
  const confirmed = afterCalls(TASKS_PER_OBJECT, acks.taken(delivery))
  for (let index = 1; index <= TASKS_PER_OBJECT; index++) {
    const task = { id: randomUUID(), objectId: object.id, index, of: TASKS_PER_OBJECT, tenant: object.tenant }
    publish('task-requests', { type: 'TASK_CREATED', task, object }, causeOf(delivery), confirmed)
  }
})
