import { afterEach, expect, test, vi } from 'vitest'
import { type Sum, tellSums } from '../sums.ts'

const printed = () => vi.mocked(console.log).mock.calls.flat().join('\n')

afterEach(() => {
  vi.restoreAllMocks()
})

test.each<{ name: string; sums: readonly Sum[]; code: number; says: readonly string[] }>([
  {
    name: 'all right: 0',
    sums: [{ what: 'sent', expected: 200, found: 200 }],
    code: 0,
    says: ['sent       200    200  right', 'All 1 sums are right.'],
  },
  {
    name: 'one too few: 1, and it is named',
    sums: [
      { what: 'sent', expected: 200, found: 200 },
      { what: 'handled', expected: 200, found: 199 },
    ],
    code: 1,
    says: ['handled       200    199  WRONG', '1 of 2 sums are WRONG.'],
  },
  {
    name: 'one too many: 1',
    sums: [{ what: 'handled twice', expected: 0, found: 1 }],
    code: 1,
    says: ['WRONG'],
  },
])('the exit code of sums is that of a check: $name', ({ sums, code, says }) => {
  vi.spyOn(console, 'log').mockReturnValue()

  expect(tellSums(sums)).toBe(code)
  for (const text of says) expect(printed()).toContain(text)
})
