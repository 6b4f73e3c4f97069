import { CelError } from '../cel/cel-error.ts'
import { compileCel } from '../cel/compiler.ts'
import { newFrame } from '../cel/values.ts'
import { type Guard, guardsOf } from './filter-guard.ts'
import { filterLanguage, type Scope, type ScopeName, scopeNamesIn } from './filter-scope.ts'

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

/** Makes a filter ready for use. Throws CelError with the place and a message that a person can act on. */
export function compileFilter(text: string): Filter {
  const { step, touches, type, ast } = compile(text)
  if (type !== 'bool' && type !== 'dyn')
    throw new CelError(filterLanguage.noun, `it gives ${type}: a filter is true or false, as in tenant == "acme"`, 0)
  return {
    text,
    touches,
    guards: guardsOf(ast),
    test(scope) {
      const found = step(newFrame(scope, scope.bytes))
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

/** The same language for expressions that name something. Throws CelError. */
export function compileNaming(text: string): Naming {
  const { step, touches } = compile(text)
  return {
    touches,
    read(scope) {
      const found = step(newFrame(scope, scope.bytes))
      if (typeof found === 'bigint') return Number(found)
      return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? found : undefined
    },
  }
}

function compile(text: string) {
  const { ast, step, touches, type } = compileCel(text, filterLanguage)
  return { ast, step, type, touches: scopeNamesIn(touches) }
}
