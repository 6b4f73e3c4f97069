import { FILTER_CHARS_MAX } from '../operation-events.ts'
import { FilterError } from './filter-error.ts'
import { type Guard, guardsOf } from './filter-guard.ts'
import type { Place, ScopeName, Step } from './filter-place.ts'
import { compileNode } from './filter-steps.ts'
import { parseFilter, typeOfFilter } from './filter-syntax.ts'
import { newFrame, type Scope } from './filter-values.ts'

/**
 * Filters of sideline rules: CEL over `event`, `tenant`, `type`, `key`, `queue` and `headers`. No clock, no input or output; bounded in
 * time, whatever the filter and the message are.
 */

/** `unclear`: a field that it looks at is missing or of another type, or it would take too long. It does not match then. */
export type FilterAnswer = 'match' | 'no' | 'unclear'

export type Filter = {
  readonly text: string
  /** What of a message it looks at. */
  readonly touches: ReadonlySet<ScopeName>
  /** What it demands by value, the most telling first: a message that has another value there is no match, without a look at the rest. */
  readonly guards: readonly Guard[]
  /** Never throws. */
  test(scope: Scope): FilterAnswer
}

/** Makes a filter ready for use. Throws FilterError with the place and a message that a person can act on. */
export function compileFilter(text: string): Filter {
  const { step, touches, type, ast } = compile(text)
  if (type !== 'bool' && type !== 'dyn')
    throw new FilterError(`it gives ${type}: a filter is true or false, as in tenant == "acme"`, 0)
  return {
    text,
    touches,
    guards: guardsOf(ast),
    test(scope) {
      const found = step(newFrame(scope))
      if (found === true) return 'match'
      return found === false ? 'no' : 'unclear'
    },
  }
}

/** An expression whose value names something, such as `tenant` or `event.object.name`. */
export type Naming = {
  readonly touches: ReadonlySet<ScopeName>
  /** Undefined when it is unclear, or no text, number or boolean. */
  read(scope: Scope): string | number | boolean | undefined
}

/** The same language for expressions that name something. Throws FilterError. */
export function compileNaming(text: string): Naming {
  const { step, touches } = compile(text)
  return {
    touches,
    read(scope) {
      const found = step(newFrame(scope))
      if (typeof found === 'bigint') return Number(found)
      return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? found : undefined
    },
  }
}

function compile(text: string) {
  if (text.length > FILTER_CHARS_MAX)
    throw new FilterError(`it has ${text.length} characters, at most ${FILTER_CHARS_MAX} are taken`, FILTER_CHARS_MAX)
  const ast = parseFilter(text)
  const touches = new Set<ScopeName>()
  const place: Place = { element: undefined, touched: touches }
  const step: Step = compileNode(ast, place)
  return { ast, step, touches, type: typeOfFilter(text) }
}
