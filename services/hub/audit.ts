import type { FastifyRequest } from 'fastify'
import type { Clock } from '../../shared/clock.ts'
import type { Http } from '../../shared/service/http.ts'
import type { Metrics } from '../../shared/service/metrics.ts'
import type { AuditEntry } from '../../shared/store/audit.ts'
import type { HubStore } from '../../shared/store/hub-store.ts'
import { auditEntryOf, isAct } from './audit-entry.ts'

const TOO_MANY_REQUESTS = 429
const SERVER_ERROR = 500

export type AuditOptions = {
  readonly store: Pick<HubStore, 'write' | 'audit'>
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'counter'>
}

/**
 * Writes one entry for each request to a route that needs `ops:write`, done or refused: into the log, and into the store before the answer
 * is sent, so that whoever was told "done" finds it. When the store takes none, the act stands and its answer goes out: a full disk is when
 * an operator must be able to act, and the log has the entry, as an error, and the counter tells of it. Who is told that nothing was done
 * because the store took nothing does not wait until it has taken no entry either. What the rate limit refuses leaves none: nobody has
 * looked at it, and a flood would leave nothing else.
 */
export function keepAudit(http: Http, { store, clock, metrics }: AuditOptions): void {
  const unkept = metrics.counter({
    name: 'ebs_audit_unkept_total',
    help: 'Acts of operators that only the log has, because the store took no entry.',
    by: ['status'],
  })
  const keep = async ({ log }: FastifyRequest, entry: AuditEntry) => {
    // The line has both ids as all lines about a request do.
    const { id: _, correlationId: __, atMs: ___, ...shown } = entry
    try {
      await store.write((tx) => tx.audit.append(entry))
      log.info({ audit: true, ...shown }, 'operator act')
    } catch (error) {
      unkept.of(String(entry.status)).count++
      log.error({ audit: true, isKept: false, ...shown, err: error }, 'operator act')
    }
  }
  http.addHook('onSend', async (request, reply, payload) => {
    if (!isAct(request) || reply.statusCode === TOO_MANY_REQUESTS) return payload
    const kept = keep(request, auditEntryOf(request, reply, clock.now()))
    if (reply.statusCode < SERVER_ERROR) await kept
    return payload
  })
}
