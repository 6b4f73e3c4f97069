import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { expect, test } from 'vitest'
import { services } from '../../services.ts'
import { root } from './rendered.ts'

const text = readFileSync(join(root, 'Dockerfile'), 'utf8')

/** What the linter has no rule for. */
const rules: readonly { readonly wanted: string; readonly isKept: (lines: readonly string[]) => boolean }[] = [
  {
    wanted: 'a user by number who is not root',
    isKept: (of) => last(of, 'USER').every((user) => /^[1-9]\d*:[1-9]/.test(user)),
  },
  {
    wanted: 'a command that needs no shell',
    isKept: (of) => ['ENTRYPOINT', 'CMD'].every((word) => last(of, word).every(isWords)),
  },
  {
    wanted: 'a health check that needs no shell',
    isKept: (of) => last(of, 'HEALTHCHECK').some((one) => / CMD \[/.test(one)),
  },
  { wanted: 'SIGTERM', isKept: (of) => last(of, 'STOPSIGNAL').join() === 'SIGTERM' },
  {
    wanted: 'images with a version',
    isKept: (of) => !of.some((line) => /^(FROM|ARG NODE).*:latest|^FROM [^$:]+( AS \w+)?$/.test(line)),
  },
  { wanted: 'labels', isKept: (of) => last(of, 'LABEL').some((one) => /org\.opencontainers\.image\.title/.test(one)) },
  { wanted: 'dependencies of the lock file only', isKept: (of) => of.some((line) => /^RUN npm ci /.test(line)) },
]

const isWords = (value: string) => Array.isArray(JSON.parse(value.startsWith('[') ? value : 'null'))

/** Instructions, each on one line, without comments. */
const linesOf = (dockerfile: string) =>
  dockerfile
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line !== '')

/** What this instruction says in the last stage; one empty text when it is not there. */
function last(lines: readonly string[], word: string): readonly string[] {
  const stage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
  return [stage.findLast((line) => line.startsWith(`${word} `))?.slice(word.length + 1) ?? '']
}

const broken = (dockerfile: string) =>
  rules.filter(({ isKept }) => !isKept(linesOf(dockerfile))).map(({ wanted }) => wanted)

test('the linter finds nothing, nor do our rules', () => {
  expect(validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)).toEqual([])
  expect(broken(text)).toEqual([])
})

test.each([
  { from: 'USER 1000:1000', to: 'USER root', wanted: 'a user by number who is not root' },
  { from: 'USER 1000:1000\n', to: '', wanted: 'a user by number who is not root' },
  { from: 'ENTRYPOINT ["node", "/app/dist', to: 'ENTRYPOINT node /app/dist', wanted: 'a command that needs no shell' },
  {
    from: 'CMD ["node", "/app/dist/scripts/container/main.js", "health"]',
    to: 'CMD node health',
    wanted: 'a health check that needs no shell',
  },
  { from: 'STOPSIGNAL SIGTERM', to: 'STOPSIGNAL SIGKILL', wanted: 'SIGTERM' },
  { from: 'ARG NODE=24-trixie-slim', to: 'ARG NODE=node:latest', wanted: 'images with a version' },
  { from: 'RUN npm ci', to: 'RUN npm install', wanted: 'dependencies of the lock file only' },
])('$to is found', ({ from, to, wanted }) => {
  expect(text).toContain(from)
  expect(broken(text.replace(from, to))).toEqual([wanted])
})

test('the ports of all services are named', () => {
  const named = last(linesOf(text), 'EXPOSE')
    .flatMap((one) => one.split(' '))
    .map(Number)
  expect(named).toEqual(services.map(({ port }) => port).sort((a, b) => a - b))
})
