import { z } from 'zod'

const schema = z.object({
  EBS_AMQP_URL: z.url({ protocol: /^amqps?$/ }).optional(),
  EBS_AMQP_MANAGEMENT_URL: z.url({ protocol: /^https?$/ }).optional(),
  PATH: z.string().default(''),
  EBS_QUEUE_TYPE: z.enum(['quorum', 'classic']).default('quorum'),
})

const env = schema.parse(process.env)

/** The broker that the environment names; both undefined when the benchmark has to start one of its own. */
export const brokerFromEnvironment = {
  amqpUrl: env.EBS_AMQP_URL,
  managementUrl: env.EBS_AMQP_MANAGEMENT_URL,
}

/** Folders with programs. */
export const programFolders = env.PATH.split(':').filter((folder) => folder !== '')

/** Queue type of everything that is measured, so that both sides of a comparison use the same. */
export const queueType = env.EBS_QUEUE_TYPE

/** What a child process gets besides its own settings: PATH, HOME and the like. */
export const inheritedEnvironment: Readonly<Record<string, string | undefined>> = process.env
