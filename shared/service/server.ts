import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { ListenError } from './errors.ts'
import { refuseMalformed, refuseNameless } from './malformed-requests.ts'

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

export type ServerOptions = {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** The variable that sets the port, named when it cannot be used. */
  readonly portVariable: string
  readonly listener: RequestListener
}

/** A listening HTTP server whose listener can be exchanged, so that a service answers probes before and after its routes do. */
export interface HttpServer {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string
  /** Later requests go here. */
  use(listener: RequestListener): void
  /** Resolves when no request is being answered, or when the time is over: whether it is idle. */
  drain(ms: number): Promise<boolean>
  close(): Promise<void>
}

const REQUEST_MS_MAX = 30_000 // for a client to send its whole request: 1 MiB over a slow line, but no slow-loris
const KEEP_ALIVE_MS = 72_000 // longer than the usual 60 s of load balancers, which must be the first to hang up

/** Listens; throws ListenError with the variable to change when the port or address cannot be used. */
export async function openServer({ listener: first, ...where }: ServerOptions): Promise<HttpServer> {
  let listener = first
  const idle = new Set<() => void>()
  /** What is being answered, by connection, the latest request last. */
  const answering = new Map<Duplex, Set<ServerResponse>>()
  const answered = (socket: Duplex) => {
    answering.delete(socket)
    if (answering.size === 0) for (const tell of idle) tell()
  }
  const server = createServer(
    { requestTimeout: REQUEST_MS_MAX, keepAliveTimeout: KEEP_ALIVE_MS, requireHostHeader: false },
    (request, response) => {
      if (refuseNameless(request, response)) return
      const { socket } = request
      const responses = answering.get(socket) ?? new Set()
      answering.set(socket, responses.add(response))
      response.once('close', () => {
        responses.delete(response)
        if (responses.size === 0) answered(socket)
      })
      listener(request, response)
    },
  )
  // Of the responses that are behind another on a connection that is lost, node closes none.
  server.on('connection', (socket) => socket.once('close', () => answered(socket)))
  server.on('clientError', (error, socket) => {
    const response = [...(answering.get(socket) ?? [])].at(-1)
    refuseMalformed(error, socket, response?.headersSent === true && !response.writableFinished)
  })
  // Nobody expects anything of us but `100-continue`, which node answers; other words may be ignored (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  await listen(server, where)
  return {
    url: urlOf(server.address(), where.host),
    use: (next) => {
      listener = next
    },
    drain: (ms) => {
      if (answering.size === 0) return Promise.resolve(true)
      return new Promise((resolve) => {
        const finish = (isIdle: boolean) => {
          clearTimeout(timer)
          idle.delete(tell)
          resolve(isIdle)
        }
        const tell = () => finish(true)
        const timer = setTimeout(() => finish(false), ms)
        idle.add(tell)
      })
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // Keep-alive connections would hold the server open for as long as their clients like.
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, { host, port, portVariable }: Omit<ServerOptions, 'listener'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(reasonOf(error.code, { host, port, portVariable }) ?? error.message, { cause: error }))
    })
    server.listen({ host, port }, resolve)
  })
}

function reasonOf(code: string | undefined, { host, port, portVariable }: Omit<ServerOptions, 'listener'>) {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program. Set ${portVariable} to a free port (0 takes any), or stop that program.`
    case 'EACCES':
      return `Port ${port} on ${host} needs rights that this process does not have. Set ${portVariable} to a port from 1024 on.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `EBS_HOST is ${host}, which is not an address of this machine.`
    default:
      return undefined
  }
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' && address ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
