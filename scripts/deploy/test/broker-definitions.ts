import { z } from 'zod'

const named = z.array(z.looseObject({ name: z.string() })).transform((all) => all.map(({ name }) => name))
const definitions = z.looseObject({ users: named.default([]), queues: named.default([]) })

/** Names of the users and queues that RabbitMQ makes from these definitions. */
export const definitionsOf = (text: string): z.output<typeof definitions> => definitions.parse(JSON.parse(text))
