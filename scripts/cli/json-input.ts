import { readFileSync } from 'node:fs'
import { UsageError } from './exit-code.ts'

const STDIN = 0

/** Reads what was given for an option: `@file` from a file, `@-` or `-` from stdin, else as it is. Throws UsageError. */
export function readGiven(given: string): string {
  if (given === '-') return readText('-')
  return given.startsWith('@') ? readText(given.slice(1)) : given
}

/** Reads JSON given so. Throws UsageError. */
export const readJson = (given: string): unknown => parseJson(readGiven(given), 'It')

/** Reads a file; `-` is stdin. Throws UsageError. */
export function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? STDIN : file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read (${error instanceof Error ? error.message : String(error)}).`)
  }
}

/** Throws UsageError, which says that `what` is not JSON. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${what} is not JSON: ${error instanceof Error ? error.message : String(error)}.`)
  }
}
