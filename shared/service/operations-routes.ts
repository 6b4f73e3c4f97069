import type { FastifyInstance } from 'fastify'
import { HttpProblem } from './errors.ts'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'

/** What every service serves: is it alive, is it ready, what are its numbers. Never rate limited, and without a token: probes must not starve. */
export function serveOperations(app: FastifyInstance, { health, metrics }: { health: Health; metrics: Metrics }) {
  const config = { rateLimit: false as const, scopes: 'public' as const, isProbe: true }
  const tagged = (summary: string) => ({ config, schema: { summary, tags: ['operations'] } })

  app.get('/health/live', tagged('Answers while the process turns'), () => ({ status: 'live' }))

  app.get('/health/ready', tagged('200 when all checks pass, else 503 naming those that do not'), () => {
    const { ready, checks } = health.report()
    if (ready) return { status: 'ready', checks }
    const missing = Object.entries(checks).filter(([, result]) => result !== 'ok')
    throw new HttpProblem(503, {
      title: 'Not ready',
      detail: missing.map(([name, reason]) => `${name}: ${reason}`).join('; '),
      headers: { 'retry-after': '1' },
      extensions: { checks },
    })
  })

  app.get('/metrics', tagged("Metrics in Prometheus' text format"), async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  )
}
