import { z } from 'zod'

const schema = z.object({
  EBS_AMQP_URL: z.string(),
  EBS_DATA_DIR: z.string(),
})

/** What the benchmark hands to each process of the floor. */
export const floorEnvironment = () => {
  const env = schema.parse(process.env)
  return { amqpUrl: env.EBS_AMQP_URL, dataDir: env.EBS_DATA_DIR }
}
