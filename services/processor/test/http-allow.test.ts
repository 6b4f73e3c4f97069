import { expect, test } from 'vitest'
import { allowedHosts, findForbidden } from '../http-allow.ts'

const isAllowed = (url: string, list: string) => findForbidden(new URL(url), allowedHosts.parse(list)) === undefined

test.each([
  { list: 'api.example.com', url: 'https://api.example.com/a', allowed: true },
  { list: 'api.example.com', url: 'http://API.example.com/a', allowed: true },
  { list: 'API.Example.com', url: 'http://api.example.com:80/a', allowed: true },
  { list: 'api.example.com', url: 'https://api.example.com:8443/a', allowed: false },
  { list: 'api.example.com:8443', url: 'https://api.example.com:8443/a', allowed: true },
  { list: 'api.example.com:8443', url: 'https://api.example.com/a', allowed: false },
  { list: 'api.example.com:443', url: 'https://api.example.com/a', allowed: true },
  { list: 'api.example.com:443', url: 'http://api.example.com/a', allowed: false },
  { list: 'example.com', url: 'https://api.example.com/a', allowed: false },
  { list: 'a, b:1', url: 'http://b:1/', allowed: true },
  { list: '[::1]:9000', url: 'http://[0:0::1]:9000/', allowed: true },
  { list: '127.0.0.1', url: 'http://2130706433/', allowed: true },
  { list: '10.0.0.1', url: 'http://2130706433/', allowed: false },
])('$url with $list: $allowed', ({ list, url, allowed }) => {
  expect(isAllowed(url, list)).toBe(allowed)
})

test.each(['http://a', 'a/b', 'a b', '*.a', 'a:b', 'a:65536', 'user@a', 'a,,b', 'a?'])(
  '%s is no list of hosts',
  (list) => {
    expect(allowedHosts.safeParse(list).error?.issues).toMatchObject([
      { message: expect.stringContaining('host[:port]') },
    ])
  },
)
