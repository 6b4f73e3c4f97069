import swagger, { type SwaggerTransform } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { scopesOf } from './auth.ts'

/** Of the HTTP interface, not of the program: it changes when a client has to. */
const API_VERSION = '1'

type DocsOptions = {
  readonly title: string
  /** Routes ask for tokens. */
  readonly isGuarded: boolean
}

/** Serves `/openapi.json` and the page `/docs`, both made from the schemas of the routes that are registered afterwards. */
export async function serveDocs(app: FastifyInstance, { title, isGuarded }: DocsOptions) {
  const components = { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } } as const
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title, version: API_VERSION }, ...(isGuarded && { components }) },
    transform: isGuarded ? withScopes : jsonSchemaTransform,
  })
  // It holds nothing that is not in the source, and a browser sends no token with a page.
  await app.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, scopes: 'public' }
    })
    await pages.register(swaggerUi, { routePrefix: '/docs' })
    pages.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  })
}

/** What a route wants of its caller: any one of its scopes. */
const withScopes: SwaggerTransform = (page) => {
  const { schema, url } = jsonSchemaTransform(page)
  const scopes = scopesOf([page.route.method].flat()[0] ?? 'GET', page.route.config)
  return {
    schema: { ...schema, security: scopes === 'public' ? [] : scopes.map((scope) => ({ token: [scope] })) },
    url,
  }
}
