import { expect, test } from 'vitest'
import { readDefinition } from '../definition-check.ts'
import { toMermaid } from '../definition-mermaid.ts'

function definitionOf(activities: Readonly<Record<string, unknown>>) {
  const read = readDefinition({ type: 't', version: 1, deadline: '1h', activities })
  if (!read.ok) throw new Error(read.faults.join('\n'))
  return read.definition
}

const order = definitionOf({
  reserve: { activity: 'shop.reserve', compensate: { activity: 'shop.release' } },
  ship: { activity: 'ship', after: ['reserve'], when: 'payload.a == "x;]" && true' },
})

test('draws steps, what they wait for, conditions, and what takes them back', () => {
  expect(toMermaid(order)).toBe(`flowchart TD
  s0["<b>reserve</b><br/>shop.reserve"]
  s1["<b>ship</b><br/><i>when payload.a == #34;x#59;#93;#34; #38;#38; true</i>"]
  s0 --> s1
  s0 -. undo .-> s0u(["shop.release"])
`)
})

test('colours steps by their states, and knows no others', () => {
  const drawn = toMermaid(order, { reserve: 'done', ship: 'dreaming' })

  expect(drawn).toContain('s0["<b>reserve</b><br/>shop.reserve"]:::done\n')
  expect(drawn).toMatch(/classDef done fill:/)
  expect(drawn).not.toContain('dreaming')
  expect(drawn.match(/classDef/g)).toHaveLength(1)
})

test('a step named like what every object has is drawn without a state', () => {
  expect(toMermaid(definitionOf({ constructor: { activity: 'a' } }))).toContain('  s0["<b>constructor</b><br/>a"]\n')
})
