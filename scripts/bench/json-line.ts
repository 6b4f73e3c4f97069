/** Four digits: more would claim what a benchmark cannot know. */
const DIGITS = 4

/** Prints a result as one line of JSON, for programs that compare runs. */
export function printJsonLine(line: Readonly<Record<string, unknown>>): void {
  console.log(
    JSON.stringify(line, (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(DIGITS)) : value)),
  )
}
