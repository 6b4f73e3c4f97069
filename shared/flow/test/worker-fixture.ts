import { Writable } from 'node:stream'
import { VirtualClock } from '../../clock.ts'
import type { Body } from '../../events.ts'
import { createLog } from '../../service/log.ts'

const NOW_MS = Date.parse('2026-01-01T00:00:00.000Z')
export const clock = new VirtualClock(NOW_MS)
export const call = { callId: 'f1.1', flowId: 'f1', name: 'install', attempt: 2, input: { item: 1 } }
export const named = { callId: 'f1.1', flowId: 'f1', attempt: 2 }
export const called = (dueInMs = 2_000): Body<'FLOW_CALLED'> => ({
  type: 'FLOW_CALLED',
  ...call,
  deadline: new Date(NOW_MS + dueInMs).toISOString(),
})
export const request: Body = { ...called(), type: 'FLOW_BACKEND_REQUESTED' }

const meta = { id: 'm1', key: 'flow-worker', correlationId: 'f1', attempt: 1, atMs: NOW_MS } as const
export const eventOf = <T extends 'FLOW_CALLED' | 'FLOW_BACKEND_ANSWERED' | 'FLOW_CALL_TIMED_OUT'>(
  type: T,
  data: Body<T>,
) => ({
  type,
  data,
  meta: {
    ...meta,
    causationId: undefined,
    tenant: undefined,
    traceparent: undefined,
    replyTo: undefined,
    callAttempt: undefined,
    waits: 0,
    released: [],
    replay: undefined,
  },
})

/** A context that keeps what is logged. */
export function logging() {
  const lines: { readonly level: string; readonly msg: string; readonly [field: string]: unknown }[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return { lines, context: { attempt: 1, log: createLog({ service: 'test', level: 'debug', destination }) } }
}

/** Everything that a handler gives. */
export async function all(follows: AsyncIterable<Body> | readonly Body[] | Promise<readonly Body[]>): Promise<Body[]> {
  const bodies: Body[] = []
  for await (const body of Symbol.asyncIterator in follows ? follows : await follows) bodies.push(body)
  return bodies
}
