import { expect, test } from 'vitest'
import { virtualSite } from '../../bus/test/bus-fixture.ts'
import type { Body } from '../../events.ts'
import { messageOf } from '../sent-messages.ts'

const about = () => ({
  origin: { correlationId: 'c', tenant: 'acme', traceparent: undefined },
  cause: { id: 'm1', position: 0 },
  queue: 'hub_consume',
})
const call = { callId: 'f.1', flowId: 'f', name: 'install', attempt: 2, input: {} }
const activity = {
  ...{ callId: 's:charge', sagaId: 's', activity: 'charge', idempotencyKey: 's:charge', input: null },
  deadline: '2026-01-01T00:00:00.000Z',
}

test.each<{ body: Body; header: number | undefined }>([
  { body: { type: 'FLOW_CALLED', ...call, deadline: '2026-01-01T00:00:00.000Z' }, header: 2 },
  { body: { type: 'ACTIVITY_REQUESTED', ...activity, attempt: 3 }, header: 3 },
  { body: { type: 'FLOW_REFUSED', flowId: 'f', error: 'no' }, header: undefined },
])('H3: $body.type tells a worker that only echoes headers which attempt it is: $header', async ({ body, header }) => {
  const { site } = virtualSite()
  await using _ = site
  const { properties } = messageOf(site.bus(site.connect()), { body }, about())

  expect(properties.headers?.['x-ebs-call-attempt']).toBe(header)
})
