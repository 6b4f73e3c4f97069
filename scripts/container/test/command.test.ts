import { expect, test, vi } from 'vitest'
import { serviceNames } from '../../services.ts'
import { commandOf } from '../command.ts'

const nobody = () => []

test.each(serviceNames)('%s runs that service', (name) => {
  expect(commandOf([name], nobody)).toEqual({ kind: 'service', service: name })
})

test.each([
  { first: ['node', '/app/dist/scripts/container/main.js', 'hub'], runs: 'hub' },
  { first: ['/sbin/docker-init', '--', 'node', '/app/dist/scripts/container/main.js', 'datagen', ''], runs: 'datagen' },
])('`health` asks the service that the container runs: $runs', ({ first, runs }) => {
  expect(commandOf(['health'], () => first)).toEqual({ kind: 'health', service: runs })
})

test('`health hub` asks the hub, and does not look at who runs', () => {
  const findFirst = vi.fn(nobody)
  expect(commandOf(['health', 'hub'], findFirst)).toEqual({ kind: 'health', service: 'hub' })
  expect(findFirst).not.toHaveBeenCalled()
})

test('everything behind `cli` is the command line’s own business', () => {
  expect(commandOf(['cli', 'dead', 'list', '--help'], nobody)).toEqual({ kind: 'cli' })
  expect(commandOf(['cli'], nobody)).toEqual({ kind: 'cli' })
})

test.each([
  { words: [], says: 'What is this container to run?' },
  { words: ['--help'], says: 'What is this container to run?' },
  { words: ['gatway'], says: 'There is no "gatway".' },
  { words: ['hub', '--port', '80'], says: 'There is no "hub --port 80".' },
  { words: ['health', 'gatway'], says: 'There is no "health gatway".' },
  { words: ['health', 'hub', 'now'], says: 'There is no "health hub now".' },
  { words: ['health'], says: 'This container runs no service: name one.' },
])('$words is no command: $says', ({ words, says }) => {
  expect(commandOf(words, nobody)).toEqual({ kind: 'usage', says })
})
