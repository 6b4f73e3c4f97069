import { Option } from 'commander'
import { UsageError } from './exit-code.ts'

/** An option of a command line: how commander knows it, and how its text becomes a value. */
export type Opt<T> = { readonly option: Option; read(raw: unknown): T }
export type Options = Readonly<Record<string, Opt<unknown>>>
/** The values of options by name. */
export type Given<O extends Options> = { readonly [K in keyof O]: O[K] extends Opt<infer T> ? T : never }

/** A switch; `--no-...` is true unless it was given. */
export const flag = (flags: string, says: string): Opt<boolean> => ({
  option: new Option(flags, says),
  read: (raw) => raw === true,
})

/** An option with a value. `parse` throws UsageError for one that it does not take. */
export function value<T = string>(flags: string, says: string, parse: (text: string) => T): Opt<T | undefined> {
  const option = new Option(flags, says)
  return { option, read: (raw) => (typeof raw === 'string' ? named(option, () => parse(raw)) : undefined) }
}

/** Without it the command is refused. */
export function required<T = string>(flags: string, says: string, parse: (text: string) => T): Opt<T> {
  const option = new Option(flags, says).makeOptionMandatory()
  return { option, read: (raw) => named(option, () => parse(String(raw))) }
}

/** One of some words. */
export const choice = <const W extends string>(
  flags: string,
  says: string,
  words: readonly W[],
): Opt<W | undefined> => ({
  option: new Option(flags, says).choices(words),
  read: (raw) => words.find((word) => word === raw),
})

/** May be given several times, or with several values. */
export const values = (flags: string, says: string): Opt<readonly string[] | undefined> => ({
  option: new Option(flags, says),
  read: (raw) => (Array.isArray(raw) ? raw.map(String) : undefined),
})

/** What was given for these options, and for others too. `find` knows the raw value by the name that commander gave it. */
export const readOptions = <O extends Options, A extends Options = Record<never, never>>(
  options: O,
  find: (attribute: string) => unknown,
  also?: A,
): Given<O> & Given<A> =>
  // The entries are those of `options` and `also`, each read by its own type: TypeScript cannot follow that through fromEntries.
  Object.fromEntries(
    Object.entries({ ...options, ...also }).map(([name, { option, read }]) => [
      name,
      read(find(option.attributeName())),
    ]),
  ) as Given<O> & Given<A>

function named<T>(option: Option, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${option.long}: ${error.message}`, { cause: error })
    throw error
  }
}

/** Any text that is not empty. */
export function asText(text: string): string {
  if (text.trim() === '') throw new UsageError('some text is needed.')
  return text
}

/** A number within bounds; also with a fraction when `isWhole` is false. */
export const asNumber =
  ({ min, max, isWhole = true }: { min: number; max: number; isWhole?: boolean }) =>
  (text: string): number => {
    const number = /^\d{1,12}(\.\d{1,6})?$/.test(text.trim()) ? Number(text) : Number.NaN
    if (number >= min && number <= max && (!isWhole || Number.isInteger(number))) return number
    throw new UsageError(`"${text}" is not ${isWhole ? 'a whole number' : 'a number'} from ${min} to ${max}.`)
  }

/** `5` or `5%`. */
export const asPercent = (text: string): number =>
  asNumber({ min: 0, max: 100, isWhole: false })(text.trim().replace(/\s*%$/, ''))
