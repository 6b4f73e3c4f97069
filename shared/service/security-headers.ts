/**
 * What every answer tells a browser, should one ever show it. Those of helmet, written down: its plugin makes them anew for each request
 * (a test holds them against it), and what is answered outside of fastify needs them, too.
 *
 * `strict-transport-security` is not among them: over plain HTTP, which is all that a service speaks, browsers must ignore it
 * (RFC 6797, 8.1). It is added where a trusted proxy says that the client came by HTTPS.
 */
export const securityHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

/** Answers tell of now, and who may see them is asked each time. Files that never change say otherwise. */
export const cacheHeaders = { 'cache-control': 'no-store' } as const

/**
 * For the pages under /docs: their own scripts, styles and images (Swagger UI has some as `data:`), requests to their own service. Styles in
 * attributes are what React writes: no script can come of them.
 */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';')

/** A year, as browsers' lists ask for. Other names of the same domain are not ours to speak for. */
export const HTTPS_ONLY = 'max-age=31536000'
