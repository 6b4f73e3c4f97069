import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { canBePasted, commandFor, quoted, REASON } from '../command.ts'
import { explain } from '../explain.ts'
import { at, factsOf, group, parkedRow, QUEUES, task } from './fact-book.ts'

const HOSTILE = [
  'plain',
  'g$(reboot)',
  'x; rm -rf ~ #',
  "o' && reboot '",
  "'",
  '"$HOME"',
  '`id`',
  'a b',
  '~',
  '*',
  '=ls',
  '!!',
  'back\\slash',
  'ü€',
  '-rf',
  '--force',
]

/** The words that a shell makes of it. */
const wordsOf = (text: string) =>
  execFileSync('/bin/sh', ['-c', `for word in ${text}; do printf '%s\\0' "$word"; done`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1)

describe('commands are safe to paste', () => {
  test.each(HOSTILE)('a shell makes one word of %j, and it is that', (id) => {
    expect(wordsOf(quoted(id))).toEqual([id])
  })

  test.each([
    { id: 'x', words: ['ebs', 'group', 'cancel', 'x', '--reason', '…'] },
    { id: '-x', words: ['ebs', 'group', 'cancel', '--reason', '…', '--', '-x'] },
  ])('an id is no option: $id', ({ id, words }) => {
    expect(wordsOf(commandFor('ebs group cancel', id, { options: REASON, does: 'ends it' }).command)).toEqual(words)
  })

  test.each(HOSTILE)('whatever the id, every command names it: %j', (id) => {
    const { commands } = explain(factsOf(id, { conversations: [group(id, ['a'])] }))

    expect(commands.map(({ command }) => wordsOf(command)).filter((words) => words.includes(id))).toHaveLength(1)
    expect(commands.map(({ command }) => wordsOf(command)[0])).toEqual(['ebs', 'ebs'])
  })

  test('an expression has the id as a string, whatever is in it', () => {
    const id = "o\"' && reboot '"
    const waiting = task({ id, attempts: 1, error: 'e', retryAt: at(9_000), mark: { state: 'waiting' } })

    const { commands } = explain(factsOf(id, { statistics: { task: waiting }, queues: QUEUES }))

    expect(commands.map(({ command }) => wordsOf(command).at(5))).toEqual([`event.task.id == ${JSON.stringify(id)}`])
  })

  test.each(['ebs dead show a\u202eb', 'ebs dead show a\nb', 'ebs dead show a\u001bb'])(
    'what a terminal does not show is no command: %j',
    (command) => expect(canBePasted({ command, does: '' })).toBe(false),
  )

  test('that there would have been commands is said', () => {
    const id = 'a\u202eb'
    const { commands, missing } = explain(factsOf(id, { held: new Map([[id, [parkedRow({ id, rule: `${id}#1` })]]]) }))

    expect({ commands, missing }).toEqual({ commands: [], missing: [expect.stringContaining('no terminal shows')] })
  })
})
