import { z } from 'zod'
import { type Schema, schema } from './json-schema.ts'
import { type Api, apis, type Site } from './site.ts'

/** One thing that can be asked of one service, as its served document says. */
export type Operation = {
  readonly api: Api
  readonly method: string
  /** With `{name}` for each parameter. */
  readonly path: string
  readonly parameters: readonly Parameter[]
  /** Missing: it takes none. */
  readonly body: Schema | undefined
  readonly mediaTypes: readonly string[]
  /** Schemas of answers by status; statuses without one are not in it. */
  readonly answers: ReadonlyMap<number, Schema>
  /** Everything that the document promises to answer with, errors aside. */
  readonly statuses: ReadonlySet<number>
}

export type Parameter = {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly schema: Schema
}

const content = z.record(z.string(), z.object({ schema }).partial())
const operation = z.object({
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.enum(['path', 'query', 'header']),
        required: z.boolean().default(false),
        schema,
      }),
    )
    .default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.optional() })),
})
const document = z.object({ paths: z.record(z.string(), z.record(z.string(), operation)) })

/** What all services of a site say that can be asked of them: whoever adds a route need not remember that it is fuzzed. */
export async function operationsOf(site: Site): Promise<Operation[]> {
  const all: Operation[] = []
  for (const api of apis) {
    const served = await site.during(site.http(api).inject('/openapi.json'), ANSWER_MS_MAX)
    const { paths } = document.parse(served.json())
    for (const [path, methods] of Object.entries(paths))
      for (const [method, { parameters, requestBody, responses }] of Object.entries(methods))
        all.push({
          ...{ api, method: method.toUpperCase(), path, parameters },
          body: Object.values(requestBody?.content ?? {})[0]?.schema,
          mediaTypes: Object.keys(requestBody?.content ?? {}),
          answers: new Map(
            Object.entries(responses).flatMap(([status, { content: types }]): [number, Schema][] => {
              const answered = types?.['application/json']?.schema
              return answered ? [[Number(status), answered]] : []
            }),
          ),
          statuses: new Set(Object.keys(responses).map(Number)),
        })
  }
  return all
}

const ANSWER_MS_MAX = 60_000

/** Of the family of things that a route is about: `timers` for `/api/timers/{id}/fire`. */
export const familyOf = (path: string): string => path.split('/')[2] ?? path
