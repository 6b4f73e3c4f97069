import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { root } from './rendered.ts'

const words = z.array(z.string())
const service = z.looseObject({
  image: z.string(),
  build: z.string().optional(),
  user: z.string().optional(),
  command: words.optional(),
  entrypoint: words.optional(),
  profiles: words.default([]),
  environment: z.record(z.string(), z.string()).default({}),
  ports: words.default([]),
  volumes: words.default([]),
  read_only: z.boolean().default(false),
  cap_drop: words.default([]),
  stop_grace_period: z.string().optional(),
  healthcheck: z.looseObject({ test: words }).optional(),
  depends_on: z.union([words, z.record(z.string(), z.object({ condition: z.string() }))]).optional(),
})
const file = z.looseObject({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })

export type ComposeService = z.output<typeof service>

export const composeText = readFileSync(join(root, 'compose.yaml'), 'utf8')

/** The compose file as it is when none of the variables that it asks for is set. */
export function readCompose(text = composeText): z.output<typeof file> {
  const settled = text.replace(/\$\{\w+:-([^}]*)\}/g, '$1')
  if (settled.includes('${')) throw new Error('compose.yaml asks for a variable that has no default.')
  return file.parse(parse(settled, { merge: true }))
}
