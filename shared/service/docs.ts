import swagger, { type SwaggerTransform } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { scopesOf } from './auth.ts'

/** Of the HTTP interface, not of the program: it changes when a client has to. */
const API_VERSION = '1'
const PAGES = '/docs'

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
    transform: isGuarded ? withScopes : withoutDangling,
  })
  // It holds nothing that is not in the source, and a browser sends no token with a page.
  await app.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, scopes: 'public', isPage: route.url.startsWith(PAGES) }
    })
    await pages.register(swaggerUi, { routePrefix: PAGES })
    pages.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  })
}

/** What a route wants of its caller: any one of its scopes. */
const withScopes: SwaggerTransform = (page) => {
  const { schema, url } = withoutDangling(page)
  const scopes = scopesOf([page.route.method].flat()[0] ?? 'GET', page.route.config)
  return {
    schema: { ...schema, security: scopes === 'public' ? [] : scopes.map((scope) => ({ token: [scope] })) },
    url,
  }
}

/**
 * A schema that refers to itself, as z.json() does, comes out of the transform as a reference to a component that it leaves out, and a
 * client that reads the document stumbles over it. No schema of ours is a component: what is referred to is any JSON.
 */
const withoutDangling: SwaggerTransform = (page) => {
  const { schema, url } = jsonSchemaTransform(page)
  // A route that says nothing of itself.
  if (schema === undefined) return { schema, url }
  const isReference = (value: unknown) => typeof value === 'object' && value !== null && '$ref' in value
  const resolved: typeof schema = JSON.parse(JSON.stringify(schema), (_key, value: unknown) =>
    isReference(value) ? {} : value,
  )
  return { schema: resolved, url }
}
