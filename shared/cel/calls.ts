import type { ASTNode } from '@marcbachmann/cel-js'
import { CelError } from './cel-error.ts'
import { type CelFunction, functions, methods } from './functions.ts'
import { compileMacro, isMacro } from './macros.ts'
import type { Compile, Place, Step } from './place.ts'
import { isMap, UNCLEAR } from './values.ts'

type Call = ASTNode & { readonly op: 'call' }
type Method = ASTNode & { readonly op: 'rcall' }

/** `size(event.list)`. Throws CelError for a function that there is not. */
export function compileCall(node: Call, place: Place, compile: Compile): Step {
  const [name, args] = node.args
  if (name === 'has') return has(node, place, compile)
  const found = functions.get(name)
  if (!found) throw unavailable(node, name, place)
  if (args.length !== found.takes) throw wrongArguments(node, name, place)
  return applied(
    found.run,
    args.map((arg) => compile(arg, place)),
  )
}

/** `event.text.contains("x")`, and macros. */
export function compileMethod(node: Method, place: Place, compile: Compile): Step {
  const [name, receiver, args] = node.args
  if (isMacro(name)) return compileMacro(node, name, place, compile)
  const of = compile(receiver, place)
  if (name === 'matches') return applied(pattern(node, place), [of])
  const found = methods.get(name)
  if (!found) throw unavailable(node, name, place)
  if (args.length !== found.takes) throw wrongArguments(node, name, place)
  return applied(found.run, [of, ...args.map((arg) => compile(arg, place))])
}

const absent: Step = () => undefined

function applied(run: CelFunction, [first = absent, second = absent]: readonly Step[]): Step {
  return (frame) => {
    const a = first(frame)
    const b = second(frame)
    return a === UNCLEAR || b === UNCLEAR ? UNCLEAR : run(frame, a, b)
  }
}

/** Whether a field is there. What it is a field of must be there, too: `has(event.task.id)` of an event without a task is unclear. */
function has(node: Call, place: Place, compile: Compile): Step {
  const { language } = place
  const [field] = node.args[1]
  if (field?.op !== '.')
    throw new CelError(language.noun, `has() takes a field, as in has(${language.examples.field})`, node.start)
  const [of, name] = field.args
  const value = compile(of, place)
  return (frame) => {
    const owner = value(frame)
    if (owner === UNCLEAR) return UNCLEAR
    return isMap(owner) && Object.hasOwn(owner, name) && owner[name] !== undefined
  }
}

function pattern(node: Method, { language, patterns }: Place): CelFunction {
  const [text] = node.args[2]
  if (text?.op !== 'value' || typeof text.args !== 'string' || node.args[2].length !== 1)
    throw new CelError(language.noun, 'matches() takes a pattern in quotes, as in tenant.matches("^test-")', node.start)
  try {
    return patterns.matching(text.args)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CelError(language.noun, `matches() cannot take this pattern: ${why} (the syntax is RE2's)`, text.start)
  }
}

const unavailable = (node: ASTNode, name: string, { language }: Place) =>
  new CelError(
    language.noun,
    `there is no ${name}() in ${language.many}; there are has, ${[...new Set([...functions.keys(), ...methods.keys()])].join(', ')}, ` +
      'matches, all, exists, exists_one, filter and map',
    node.start,
  )

const wrongArguments = (node: ASTNode, name: string, { language }: Place) =>
  new CelError(language.noun, `${name}() takes another number of arguments`, node.start)
