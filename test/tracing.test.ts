import { createServer, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { expectAllDone } from './support/settled.ts'
import { startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const parentId = 'b7ad6b7169203331'

const attribute = z.object({ key: z.string(), value: z.object({ stringValue: z.string().optional() }) })
const spanShape = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
})
/** What an exporter posts, OTLP over HTTP as JSON. */
const posted = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(spanShape) })),
    }),
  ),
})
type Collected = z.output<typeof spanShape> & { readonly service: string | undefined }

/** A collector of traces on this machine. */
async function startCollector() {
  const spans: Collected[] = []
  const paths = new Set<string | undefined>()
  const server = createServer(async (request, response) => {
    paths.add(request.url)
    for (const { resource, scopeSpans } of posted.parse(await jsonOf(request)).resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue
      for (const scope of scopeSpans) spans.push(...scope.spans.map((span) => ({ ...span, service })))
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The collector does not listen on a port.')
  return { spans, paths, url: `http://127.0.0.1:${address.port}` }
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  const bytes = Buffer.concat(chunks)
  return JSON.parse((request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString())
}

test('with OTEL_* variables, one request is one trace at the collector, with spans of every service', async () => {
  const collector = await startCollector()
  await using system = await startSystem({
    env: { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100' },
  })

  const traceparent = `00-${traceId}-${parentId}-01`
  const { status } = await system.ask('datagen', '/api/objects', { method: 'POST', headers: { traceparent } })

  expect(status).toBe(201)
  await expectAllDone(system, { objects: 1 })
  const inTrace = () => collector.spans.filter((span) => span.traceId === traceId)
  await waitUntil(() =>
    expect([...new Set(inTrace().map(({ service }) => service))].toSorted()).toEqual([
      'datagen',
      'distributor',
      'hub',
      'processor',
      'statistics',
    ]),
  )
  // What ends last is sent last: no span of the trace hangs in the air.
  await waitUntil(() => {
    const ids = new Set([parentId, ...inTrace().map(({ spanId }) => spanId)])
    expect(inTrace().filter(({ parentSpanId }) => !ids.has(parentSpanId ?? ''))).toEqual([])
    expect(inTrace().find(({ parentSpanId }) => parentSpanId === parentId)?.name).toBe('POST /api/objects')
  })
  expect([...collector.paths]).toEqual(['/v1/traces'])
  for (const { lines } of system.processes) expect(lines.filter(({ msg }) => msg.includes('OpenTelemetry'))).toEqual([])
})
