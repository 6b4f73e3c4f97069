import { expect, test } from 'vitest'
import { z } from 'zod'
import { createHealth } from '../health.ts'
import { createHttp } from '../http.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'

const documented = () =>
  createHttp({
    name: 'example',
    title: 'Example',
    docs: true,
    log: createLog({ service: 'example', level: 'silent' }),
    health: createHealth(),
    metrics: createMetrics(),
  })

test('the served document refers to nothing that is not in it, also when a schema refers to itself', async () => {
  const http = await documented()
  http.get('/any', { schema: { response: { 200: z.object({ view: z.record(z.string(), z.json()) }) } } }, () => ({
    view: {},
  }))
  await http.ready()

  const served = await http.inject('/openapi.json')

  expect(served.body).not.toContain('$ref')
  const answer = served.json().paths['/any'].get.responses['200'].content['application/json'].schema
  expect(answer.properties.view).toMatchObject({ type: 'object', additionalProperties: {} })
  await http.close()
})

test('a route without a schema is in the served document beside those that have one', async () => {
  const http = await documented()
  http.get('/plain', () => 'hello')
  http.get('/told', { schema: { querystring: z.object({ limit: z.coerce.number() }) } }, () => 'hello')
  await http.ready()

  const served = await http.inject('/openapi.json')

  expect(served.statusCode).toBe(200)
  const { paths } = served.json()
  expect(paths['/plain'].get.responses).toHaveProperty('200')
  expect(paths['/told'].get.parameters).toMatchObject([{ name: 'limit', in: 'query' }])
  await http.close()
})
