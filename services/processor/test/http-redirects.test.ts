import { expect, test } from 'vitest'
import { calling } from './http-calling.ts'
import { otherSystem, saying } from './other-system.ts'

test.each([
  { status: 303, method: 'GET', body: '' },
  { status: 307, method: 'POST', body: '{"a":1}' },
  { status: 308, method: 'POST', body: '{"a":1}' },
])(
  'a redirect with $status on the same host is followed: a POST becomes a $method',
  async ({ status, method, body }) => {
    const other = await otherSystem(saying({ status, headers: { location: '/there' } }, { status: 200, body: 'here' }))

    expect(await calling(other.host, { url: other.url, body: { a: 1 } })).toMatchObject({ status: 200, body: 'here' })
    expect(other.seen[1]).toMatchObject({ url: '/there', method, body })
    expect(other.seen[1]?.headers['idempotency-key']).toBe('s1.main:step')
  },
)

test.each([301, 302])('%i repeats what only asks, and does not make a question of anything else', async (status) => {
  const moved = { status, headers: { location: '/there?token=secret' } }

  for (const method of ['GET', 'HEAD']) {
    const other = await otherSystem(saying(moved, { status: 200 }))
    expect(await calling(other.host, { url: other.url, method })).toMatchObject({ status: 200 })
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const other = await otherSystem(saying(moved, { status: 200 }))
    await expect(calling(other.host, { url: other.url, method })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(
        new RegExp(`^${method} .* was answered ${status} and leads to ${other.url}/there,`),
      ),
    })
    expect(other.seen).toHaveLength(1)
  }
})

test('a redirect to another port of the host takes no credentials along, one to the same port does', async () => {
  const elsewhere = await otherSystem(saying({ status: 200 }))
  const location = `${elsewhere.url}/there`
  const other = await otherSystem(
    saying({ status: 307, headers: { location: '/here' } }, { status: 307, headers: { location } }),
  )
  const secrets = { authorization: 'Bearer t', cookie: 'a=b', 'x-api-key': 'k', 'x-auth-token': 't' }
  const others = { 'if-match': '"1"', 'content-type': 'application/xml' }

  await calling(`${other.host},${elsewhere.host}`, {
    url: other.url,
    body: '<a/>',
    headers: { ...secrets, ...others },
  })

  expect(other.seen[1]?.headers).toMatchObject({ ...secrets, ...others })
  expect(elsewhere.seen).toMatchObject([{ method: 'POST', body: '<a/>', headers: others }])
  for (const name of Object.keys(secrets)) expect(elsewhere.seen[0]?.headers).not.toHaveProperty(name)
})

test('three redirects in a row are followed, a fourth is not', async () => {
  const hop = { status: 302, headers: { location: '/again' } }
  const three = await otherSystem(saying(hop, hop, hop, { status: 200 }))
  const four = await otherSystem(saying(hop))

  expect(await calling(three.host, { url: three.url })).toMatchObject({ status: 200 })
  await expect(calling(four.host, { url: four.url })).rejects.toMatchObject({
    status: 400,
    message: expect.stringMatching(/more than 3/),
  })
  expect(four.seen).toHaveLength(4)
})

test.each([
  { what: 'another host, though it is allowed', location: 'http://localhost:1/a', says: /another host, localhost/ },
  { what: 'a port that is not allowed', location: 'http://127.0.0.1:1/a', says: /127\.0\.0\.1:1 is not allowed/ },
  { what: 'nowhere', location: '', says: /did not say where/ },
  { what: 'no url', location: 'http://[', says: /did not say where/ },
])('a redirect to $what is not followed', async ({ location, says }) => {
  const other = await otherSystem(saying({ status: 307, headers: { location } }))

  await expect(calling(`${other.host},localhost:1`, { url: other.url })).rejects.toMatchObject({
    status: 400,
    message: expect.stringMatching(says),
  })
})
