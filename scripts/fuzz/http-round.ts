import fc from 'fast-check'
import { type Answer, complaintAbout } from './answers.ts'
import { type Accepted, complaintsAtEnd } from './ends.ts'
import { prepare } from './fixtures.ts'
import { Known } from './known.ts'
import { familyOf, type Operation, operationsOf } from './operations.ts'
import { bytesOf, type Damage, damage, isRefusedByParser, sendBytes } from './raw-requests.ts'
import { type Request, requestOf, requestsTo, type Wanted } from './requests.ts'
import { type Finding, isOver, type Round, type RoundOptions } from './round.ts'
import { REAL_STEP_MS, Site } from './site.ts'

/** Of so many requests one goes over a socket, as bytes. */
const SOCKET_EVERY = 25
/** Requests that follow each other: what one makes the next can act on. */
const SEQUENCE_MAX = 8
/** Longer than any request may wait for an end, and shorter than its own limit. */
const VIRTUAL_MS_MAX = 100_000
/** Of the processor's time; a request takes some milliseconds. */
const TOOK_MS_MAX = 10_000

type Sent = { readonly wanted: Wanted; readonly damage: Damage | undefined }

/** One round of requests to a fresh system: sequences of them until so many inputs were sent, then everything accepted must end. */
export async function httpRound({ seed, inputs, onInput, acts }: RoundOptions): Promise<Round> {
  await using site = await Site.open()
  const operations = await operationsOf(site)
  const chosen = operations.filter(({ api, method }) => acts || api !== 'hub' || method === 'GET')
  const round = new HttpRound(site, chosen, onInput)
  await prepare(site, round.known)
  const sequence = fc.array(
    fc.record({
      wanted: requestsTo(chosen),
      damage: fc.oneof(
        { weight: SOCKET_EVERY - 1, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: damage },
      ),
    }),
    { minLength: 1, maxLength: SEQUENCE_MAX, size: 'max' },
  )
  const checked = await fc.check(
    fc.asyncProperty(sequence, async (requests) => {
      if (isOver(round, round.sent >= inputs)) return
      const complaint = await round.send(requests)
      if (complaint !== undefined) throw new Error(complaint)
    }),
    { seed, numRuns: inputs, interruptAfterTimeLimit: LIMIT_MS, maxSkipsPerRun: 0 },
  )
  const findings: Finding[] = []
  if (checked.failed)
    findings.push({
      what: checked.errorInstance instanceof Error ? checked.errorInstance.message : 'interrupted: it takes too long',
      input: (checked.counterexample?.[0] ?? []).map(({ wanted, damage: how }) => ({
        ...requestOf(wanted, round.known),
        api: chosen[wanted.operation]?.api,
        ...(how && { damage: how }),
      })),
    })
  const atEnd = await complaintsAtEnd(site, { accepted: round.accepted, strict: !acts })
  findings.push(...[...atEnd, ...site.fatal].map((what) => ({ what, input: undefined })))
  return { findings, inputs: round.sent, statuses: round.statuses }
}

/** A round is some thousand requests of milliseconds. */
const LIMIT_MS = 300_000

class HttpRound {
  readonly known = new Known()
  readonly accepted: Accepted[] = []
  readonly statuses = new Map<string, number>()
  sent = 0
  /** When the first complaint came, and from then on everything is about the least that shows it. */
  failedAtMs: number | undefined
  readonly #site: Site
  readonly #operations: readonly Operation[]
  readonly #onInput: (() => void) | undefined

  constructor(site: Site, operations: readonly Operation[], onInput: (() => void) | undefined) {
    this.#site = site
    this.#operations = operations
    this.#onInput = onInput
  }

  /** Sends one after the other; the first complaint, or undefined. */
  async send(requests: readonly Sent[]): Promise<string | undefined> {
    for (const { wanted, damage: how } of requests) {
      const operation = this.#operations[wanted.operation]
      if (!operation) continue
      this.sent++
      this.#onInput?.()
      const complaint = await this.#sendOne(requestOf(wanted, this.known), operation, how)
      if (complaint === undefined) continue
      this.failedAtMs ??= performance.now()
      return `${operation.api}: ${operation.method} ${operation.path}: ${complaint}`
    }
    return undefined
  }

  async #sendOne(request: Request, operation: Operation, how: Damage | undefined): Promise<string | undefined> {
    const startMs = performance.now()
    let answer: Answer | undefined
    try {
      answer = how
        ? await this.#site.during(this.#overSocket(request, operation, how), Number.POSITIVE_INFINITY, REAL_STEP_MS)
        : await this.#site.during(this.#inside(request, operation), VIRTUAL_MS_MAX)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    const tookMs = performance.now() - startMs
    if (tookMs > TOOK_MS_MAX) return `took ${Math.round(tookMs)} ms`
    if (this.#site.fatal.length > 0) return this.#site.fatal[0]
    const status = answer ? String(answer.status) : 'hung up'
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    if (!answer || (how && isRefusedByParser(answer))) return undefined
    const complaint = complaintAbout(answer, request, operation)
    if (complaint === undefined && answer.status < 300) this.#learn(answer, operation)
    return complaint
  }

  async #inside({ method, url, headers, body }: Request, { api }: Operation): Promise<Answer> {
    const answer = await this.#site.http(api).inject({
      method: METHODS.find((one) => one === method) ?? 'GET',
      url,
      headers: Object.fromEntries(headers),
      ...(body !== undefined && { payload: body }),
    })
    const retryAfter = answer.headers['retry-after']
    return {
      status: answer.statusCode,
      contentType: String(answer.headers['content-type'] ?? ''),
      retryAfter: retryAfter === undefined ? undefined : String(retryAfter),
      body: answer.body,
    }
  }

  async #overSocket(request: Request, { api }: Operation, how: Damage): Promise<Answer | undefined> {
    return await sendBytes(this.#site.url(api), bytesOf(request, how), how)
  }

  #learn({ body, status }: Answer, { path, method }: Operation): void {
    let told: unknown
    try {
      told = JSON.parse(body)
    } catch {
      return
    }
    this.known.learn(familyOf(path), told)
    if (method !== 'POST' || !(path === '/api/objects' || path === '/api/flows' || path === '/api/journeys')) return
    if (status < 300) this.accepted.push({ family: familyOf(path), told })
  }
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const
