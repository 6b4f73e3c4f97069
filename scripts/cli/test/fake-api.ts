import { createServer } from 'node:http'
import { z } from 'zod'

/** What a client asked for. */
export type Asked = {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
}

export type Told = {
  readonly status?: number
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}
/** By `GET /api/things`; with a list, one after another, the last for ever. */
export type Routes = Readonly<Record<string, Told | readonly Told[] | ((asked: Asked) => Told)>>

const isList = (told: Routes[string]): told is readonly Told[] => Array.isArray(told)
const anyObject = z.record(z.string(), z.unknown())

/** A service's API on a port of its own, which answers as it is told and keeps what it was asked. */
export async function fakeApi(routes: Routes) {
  const asked: Asked[] = []
  const times = new Map<string, number>()
  const tell = (one: Asked): Told => {
    const name = `${one.method} ${one.path}`
    const told = routes[name]
    if (told === undefined) return { status: 404, json: { title: 'Not Found', detail: `There is no ${name}.` } }
    if (typeof told === 'function') return told(one)
    if (!isList(told)) return told
    const time = times.get(name) ?? 0
    times.set(name, time + 1)
    return told[Math.min(time, told.length - 1)] ?? {}
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const text = Buffer.concat(chunks).toString()
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake')
    const one = {
      method: request.method ?? '',
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    asked.push(one)
    const { status = 200, json, text: plain, headers } = tell(one)
    const type = status >= 400 ? 'application/problem+json' : 'application/json'
    response.writeHead(status, { 'content-type': type, ...headers })
    response.end(plain ?? JSON.stringify(json ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = z.object({ port: z.int() }).parse(server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    /** Bodies of what was posted to a path, in order. */
    posted: (path: string) =>
      asked.filter((one) => one.method === 'POST' && one.path === path).map(({ body }) => anyObject.parse(body)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
export type FakeApi = Awaited<ReturnType<typeof fakeApi>>

/** A port on which nobody listens: it was free a moment ago. */
export async function closedUrl(): Promise<string> {
  const api = await fakeApi({})
  await api[Symbol.asyncDispose]()
  return api.url
}
