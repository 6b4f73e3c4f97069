import type { FastifyInstance } from 'fastify'
import { HttpProblem } from './errors.ts'
import type { Health, HealthReport } from './health.ts'
import type { Metrics } from './metrics.ts'

/** What every service serves: is it alive, is it ready, what are its numbers. Never rate limited, and without a token: probes must not starve. */
export function serveOperations(app: FastifyInstance, { health, metrics }: { health: Health; metrics: Metrics }) {
  const config = { rateLimit: false as const, scopes: 'public' as const, isProbe: true }
  const tagged = (summary: string) => ({ config, schema: { summary, tags: ['operations'] } })

  app.get('/health/live', tagged('Answers while the process turns'), () => ({ status: 'live' }))

  app.get('/health/ready', tagged('200 when all checks pass, else 503 naming those that do not'), () => {
    const { ready, checks } = health.report()
    if (ready) return { status: 'ready', checks }
    throw lacking('Not ready', checks)
  })

  // What is lost afterwards is told by the API itself, which may do without it: taking it away would make a small outage a large one.
  app.get('/health/serving', tagged('200 since it was ready for the first time until it stops, else 503'), () => {
    if (health.isServing()) return { status: 'serving' }
    throw lacking('Not serving', health.report().checks)
  })

  app.get('/metrics', tagged("Metrics in Prometheus' text format"), async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  )
}

function lacking(title: string, checks: HealthReport['checks']): HttpProblem {
  const missing = Object.entries(checks).filter(([, result]) => result !== 'ok')
  return new HttpProblem(503, {
    title,
    detail: missing.map(([name, reason]) => `${name}: ${reason}`).join('; '),
    headers: { 'retry-after': '1' },
    extensions: { checks },
  })
}
