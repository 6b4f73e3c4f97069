import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'

/** Of the HTTP interface, not of the program: it changes when a client has to. */
const API_VERSION = '1'

/** Serves `/openapi.json` and the page `/docs`, both made from the schemas of the routes that are registered afterwards. */
export async function serveDocs(app: FastifyInstance, { title }: { title: string }) {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title, version: API_VERSION } },
    transform: jsonSchemaTransform,
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}
