import { expect, test } from 'vitest'
import { type Event, parseEvent } from '../../../../shared/bus/envelope.ts'
import { Retryable, Unrecoverable } from '../../../../shared/bus/retry.ts'
import { findSeen } from '../remediation-item.ts'
import { Webhook } from '../webhook.ts'
import { listener, say } from './listener.ts'
import { type RemediationSite, remediationSite } from './remediation-fixture.ts'

/** A journey that needs a person, and the notice about it. */
async function noticed(site: RemediationSite, id = 'o1.main'): Promise<Event<'REMEDIATION_NOTICE'>> {
  await site.stuck(id)
  return noticeOf(site.sent('REMEDIATION_NOTICE').at(-1))
}

function noticeOf(body: unknown, attempt = 1): Event<'REMEDIATION_NOTICE'> {
  const headers = { 'x-ebs-attempt': attempt }
  const properties = { messageId: 'n1', correlationId: 'c1', headers }
  const parsed = parseEvent({ exchange: '', key: 'hub_work', body: Buffer.from(JSON.stringify(body)), properties })
  if (!('data' in parsed) || parsed.type !== 'REMEDIATION_NOTICE') throw new Error(JSON.stringify(parsed))
  return parsed
}

const webhookOf = ({ bus, operations }: RemediationSite, url: string | undefined) =>
  new Webhook({ bus, url, find: (id) => findSeen(operations, id) })

test('J6: whoever listens gets the item, with a key by which a repeat is known; name and password of the url are a header', async () => {
  await using site = await remediationSite()
  await using outside = await listener(say(204))
  const notice = await noticed(site)
  const webhook = webhookOf(site, outside.url)

  await webhook.run(notice)
  await webhook.close()

  const { items } = (await site.get('/api/remediation')).json()
  expect(outside.heard).toMatchObject([
    {
      url: '/hooks/s3cret?room=7',
      headers: {
        ...{ 'content-type': 'application/json', 'idempotency-key': 'n1' },
        authorization: `Basic ${Buffer.from('ann:to$ken').toString('base64')}`,
      },
      body: items[0],
    },
  ])
})

test.each([
  [500, Retryable],
  [503, Retryable],
  [302, Retryable],
  [408, Retryable],
  [429, Retryable],
  [400, Unrecoverable],
  [401, Unrecoverable],
  [404, Unrecoverable],
] as const)(
  'answered %i, the notice is tried again or dead, and the error has no secret of the url',
  async (status, kind) => {
    await using site = await remediationSite()
    await using outside = await listener(say(status, { 'retry-after': '7' }))
    const webhook = webhookOf(site, outside.url)

    const error = await webhook.run(await noticed(site)).catch((caught: unknown) => caught)
    await webhook.close()

    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ message: expect.stringMatching(new RegExp(`answered ${status} .*o1.main`)) })
    if (error instanceof Retryable) expect(error.retryAfterMs).toBe(7_000)
    expect(String(error)).not.toMatch(/s3cret|to%24ken|to\$ken|room=7|secret answer/)
  },
)

test('nobody there, or one who hangs up: it is tried again, and the error has no secret of the url', async () => {
  await using site = await remediationSite()
  await using outside = await listener((response) => void response.destroy())
  const notice = await noticed(site)
  for (const url of [outside.url, 'http://ann:to%24ken@127.0.0.1:9/hooks/s3cret']) {
    const webhook = webhookOf(site, url)
    const error = await webhook.run(notice).catch((caught: unknown) => caught)
    await webhook.close()

    expect(error).toBeInstanceOf(Retryable)
    expect(String(error)).not.toMatch(/s3cret|to%24ken|to\$ken/)
    expect(error).not.toHaveProperty('cause')
  }
})

test('nobody is told of a journey that has gone on meanwhile, nor when nobody listens any more', async () => {
  await using site = await remediationSite()
  await using outside = await listener(say(204))
  const notice = await noticed(site)
  const webhook = webhookOf(site, outside.url)

  await webhookOf(site, undefined).run(notice)
  await site.act('o1.main', 'retry')
  await webhook.run(notice)
  await webhook.run(noticeOf({ ...notice.data, sagaId: 'forgotten.main' }))
  // It needs a person again, and there is a notice of its own.
  await site.clock.advance(1)
  await site.answer('o1.main:charge', { status: 400, error: 'refused again' })
  await webhook.run(notice)
  expect(outside.heard).toEqual([])

  await webhook.run(noticeOf(site.sent('REMEDIATION_NOTICE').at(-1)))
  await webhook.close()

  expect(outside.heard).toMatchObject([{ body: { error: expect.stringContaining('refused again') } }])
})

test('one who hangs gets eight calls at once; beyond some that wait, notices come back later, as the same attempt', async () => {
  await using site = await remediationSite()
  await using outside = await listener(() => undefined)
  const notice = noticeOf((await noticed(site)).data, 3)
  const webhook = webhookOf(site, outside.url)

  const hanging = Promise.allSettled(Array.from({ length: 48 }, () => webhook.run(notice)))
  await expect.poll(() => outside.heard.length).toBe(8)
  await webhook.run(notice)
  await site.clock.advance(1_990)
  expect(await site.broker.inspect('hub_work')).toMatchObject({ messages: 0 })
  await site.clock.advance(20_000)

  const back: unknown[] = []
  await site.broker.consume('hub_work', { prefetch: 1 }, ({ message }) => back.push(message.properties))
  await expect.poll(() => back).toMatchObject([{ messageId: 'n1', headers: { 'x-ebs-attempt': 3 } }])
  expect(outside.heard).toHaveLength(8)
  await webhook.close()
  expect((await hanging).every(({ status }) => status === 'rejected')).toBe(true)
})
