import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { scopesOf } from '../../shared/service/auth.ts'
import { redactUrl } from '../../shared/service/redact.ts'
import type { AuditEntry } from '../../shared/store/audit.ts'

/** As long as they may be in a history; what is refused for its length is kept to there. */
const ACTOR_CHARS_MAX = 128
const REASON_CHARS_MAX = 1_024
/** An id of 128 characters with three bytes each, percent-encoded. */
const TARGET_CHARS_MAX = 1_152
/** An IPv6 address with its zone. */
const ADDRESS_CHARS_MAX = 64

/** Whether a request wants to change something as an operator. One that no route takes changes nothing. */
export function isAct({ is404, method, routeOptions }: FastifyRequest): boolean {
  if (is404) return false
  const scopes = scopesOf(method, routeOptions.config)
  return scopes !== 'public' && scopes.includes('ops:write')
}

/** What a request wanted and became, without its body. Of what it says of itself only who and why, and who only where no token is asked for. */
export function auditEntryOf(request: FastifyRequest, reply: FastifyReply, atMs: number): AuditEntry {
  const { body, method, raw, routeOptions, server } = request
  // The raw headers: a route's schema may have changed its own already.
  const said = saying.parse(body)
  // Who has no token is nobody: he could call himself anything.
  const name = server.isGuarded ? request.actor : (said.actor ?? utf8Of(raw.headers['x-ebs-actor']))
  const reason = said.reason ?? utf8Of(raw.headers['x-ebs-reason'])
  return {
    id: request.id,
    atMs,
    actor: shortOf(name, ACTOR_CHARS_MAX),
    isProven: request.actor !== undefined,
    isStranger: server.isGuarded && request.actor === undefined,
    address: shortOf(request.clientAddress, ADDRESS_CHARS_MAX) ?? '',
    act: `${method} ${routeOptions.url}`,
    target: shortOf(targetOf(request, reply), TARGET_CHARS_MAX),
    reason: shortOf(reason, REASON_CHARS_MAX),
    status: reply.statusCode,
    correlationId: request.correlationId,
  }
}

const word = z.string().optional().catch(undefined)
const saying = z.object({ actor: word, reason: word }).catch({ actor: undefined, reason: undefined })
const params = z.record(z.string(), z.string()).catch({})

/** The ids in the path; of what has none, where the answer says that it is now. */
function targetOf(request: FastifyRequest, reply: FastifyReply): string | undefined {
  const ids = Object.values(params.parse(request.params))
  const made = reply.getHeader('location')
  return ids.length > 0 ? ids.join(' ') : typeof made === 'string' ? made : undefined
}

/** Node reads the bytes of a header as Latin-1, and clients write UTF-8. */
const utf8Of = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? Buffer.from(header, 'latin1').toString() : undefined

/** Whatever would end a line, hide a character or steer a terminal. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const escaped = (char: string) => `\\u{${char.codePointAt(0)?.toString(16)}}`

/** One line of bounded length; null for nothing. Cut before it is looked through: it may be a megabyte. */
function shortOf(text: string | undefined, charsMax: number): string | null {
  const line = redactUrl(text?.trim().slice(0, charsMax) ?? '')
    .replace(UNSEEN, escaped)
    .slice(0, charsMax)
  return line === '' ? null : line
}
