import type { Json } from '../../shared/events.ts'
import type { Role } from './story.ts'
import type { System } from './system.ts'

export type Request = {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly body?: Json | undefined
  readonly key?: string | undefined
}
export type Answer = { readonly status: number; readonly json: unknown; readonly atMs: number }

/** Longer than any route of ours takes. */
const ANSWER_MS_MAX = 30_000
const AGAIN_MS = 700
const TRIES_MAX = 60
const REFUSED = 400
const SERVER_ERROR = 500
const UNAVAILABLE = 503

/** A client over HTTP, as scripts and people are: it asks again while it has no answer, under the same key. */
export class Client {
  readonly #system: System

  constructor(system: System) {
    this.#system = system
  }

  /** Undefined: nobody is there, or died before it answered. */
  async ask(role: Role, { method, url, body, key }: Request): Promise<Answer | undefined> {
    const found = this.#system.find(role)
    if (!found) return undefined
    const { process, http } = found
    const headers = {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': key }),
    }
    const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
    const answered = http().then((app) => app.inject({ method, url, headers, ...payload }))
    const answer = await Promise.race([answered, this.#system.wait(ANSWER_MS_MAX)])
    const { nowMs, trace } = this.#system
    trace.note(process.name, `${method} ${url} ${answer?.statusCode}`)
    // What a dead process says nobody hears.
    if (!answer || !process.isAlive) return undefined
    const { statusCode: status } = answer
    if (status >= SERVER_ERROR && status !== UNAVAILABLE)
      this.#system.surprises.push(`${method} ${url} of ${process.name} was answered ${status}: ${answer.body}`)
    if (status >= REFUSED) trace.remark(answer.body)
    return { status, json: answer.body === '' ? null : JSON.parse(answer.body), atMs: nowMs }
  }

  /** Again until somebody has taken it; undefined when nobody does. That it is refused is a surprise. */
  async insist(role: Role, request: Request): Promise<Answer | undefined> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const answer = await this.ask(role, request)
      if (answer && answer.status < REFUSED) return answer
      if (answer && answer.status < SERVER_ERROR) {
        this.#system.surprises.push(`${role} refused ${request.url}: ${JSON.stringify(answer.json)}`)
        return undefined
      }
      await this.#system.wait(AGAIN_MS)
    }
    return undefined
  }
}
