import { type Column, tableOf } from '../cli/table.ts'

/** What must come to the same. */
export type Sum = { readonly what: string; readonly expected: number; readonly found: number }

/** Prints rows below their headings, as wide as the terminal is. */
export function tell<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
  const text = tableOf(columns, rows, { width: process.stdout.columns, paint: (_style, cell) => cell })
  console.log(`\n${text.replaceAll(/^/gm, '  ')}`)
}

const isRight = ({ expected, found }: Sum) => expected === found

/** Prints the sums, and gives the exit code: 0 when all are right. */
export function tellSums(sums: readonly Sum[]): number {
  tell(
    [
      { head: 'SUM', of: ({ what }) => what },
      { head: 'EXPECTED', of: ({ expected }) => expected, isNumber: true },
      { head: 'FOUND', of: ({ found }) => found, isNumber: true },
      { head: '', of: (sum) => (isRight(sum) ? 'right' : 'WRONG'), isWhole: true },
    ],
    sums,
  )
  const wrong = sums.filter((sum) => !isRight(sum))
  console.log(
    wrong.length === 0
      ? `\n  All ${sums.length} sums are right.`
      : `\n  ${wrong.length} of ${sums.length} sums are WRONG.`,
  )
  return wrong.length === 0 ? 0 : 1
}
