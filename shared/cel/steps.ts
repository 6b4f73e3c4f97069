import type { ASTNode } from '@marcbachmann/cel-js'
import { arithmetic, negated } from './arithmetic.ts'
import { compileCall, compileMethod } from './calls.ts'
import { CelError } from './cel-error.ts'
import { contains, equal } from './equality.ts'
import { namesOf } from './language.ts'
import type { Place, Step } from './place.ts'
import { CHARS_PER_STEP, elementOf, type Frame, isMap, order, spend, UNCLEAR } from './values.ts'

/**
 * Turns the syntax tree of an expression into functions. The library does not evaluate it: there a missing field costs 10 µs (an exception
 * with an excerpt of the source), which 100 rules over events of many types pay all the time; `matches` may take for ever, and comparing,
 * searching and listing take as long as the message is large. Throws CelError for what cannot be done.
 */
export function compileNode(node: ASTNode, place: Place): Step {
  const step = compileBare(node, place)
  return place.watched ? place.watched(node, step) : step
}

function compileBare(node: ASTNode, place: Place): Step {
  const compiled = (part: ASTNode) => compileNode(part, place)
  switch (node.op) {
    case 'value':
      return literal(node, place)
    case 'id':
      return identifier(node, place)
    case '.':
      return field(node.args[0], node.args[1], place)
    case '[]':
      return element(node.args[0], node.args[1], place)
    case 'call':
      return compileCall(node, place, compileNode)
    case 'rcall':
      return compileMethod(node, place, compileNode)
    case 'list':
      return list(node.args.map(compiled))
    case 'map':
      return map(node.args.map(([key, value]) => ({ key: compiled(key), value: compiled(value) })))
    case '?:':
      return choice(compiled(node.args[0]), compiled(node.args[1]), compiled(node.args[2]))
    case '&&':
      return logical(compiled(node.args[0]), compiled(node.args[1]), false)
    case '||':
      return logical(compiled(node.args[0]), compiled(node.args[1]), true)
    case '!_':
      return unary(compiled(node.args), (value) => (typeof value === 'boolean' ? !value : UNCLEAR))
    case '-_':
      return unary(compiled(node.args), negated)
    case 'in':
      return membership(node.args[0], node.args[1], compiled)
    case '.?':
    case '[?]':
      throw new CelError(place.language.noun, 'optional access is not available: use has(...)', node.start)
    case '==':
      return equality(node.args[0], node.args[1], compiled)
    default:
      return binary(compiled(node.args[0]), compiled(node.args[1]), operators[node.op])
  }
}

function literal(node: ASTNode & { readonly op: 'value' }, { language }: Place): Step {
  const value = node.args
  if (typeof value === 'object' && value !== null)
    throw new CelError(language.noun, `unsigned numbers and bytes are not available in ${language.many}`, node.start)
  return () => value
}

function identifier(node: ASTNode & { readonly op: 'id' }, { element, touched, language }: Place): Step {
  const name = node.args
  if (name === element) return (frame) => frame.item
  if (!language.names.has(name))
    throw new CelError(language.noun, `there is no \`${name}\`: ${language.one} sees ${namesOf(language)}`, node.start)
  touched.add(name)
  return (frame) => {
    const value = frame.scope[name]
    return value === undefined ? UNCLEAR : value
  }
}

/** Names that objects have without having been given them. */
const isInherited = (name: string) => name in Object.prototype

function field(of: ASTNode, name: string, place: Place): Step {
  const value = compileNode(of, place)
  const found: Step = isInherited(name)
    ? (frame) => elementOf(frame, value(frame), name)
    : (frame) => {
        const owner = value(frame)
        return isMap(owner) ? (owner[name] ?? elementOf(frame, owner, name)) : UNCLEAR
      }
  return hasScalars(of, place) ? scalar(found) : found
}

function element(of: ASTNode, key: ASTNode, place: Place): Step {
  const [value, name] = [compileNode(of, place), compileNode(key, place)]
  const found: Step = (frame) => elementOf(frame, value(frame), name(frame))
  return hasScalars(of, place) ? scalar(found) : found
}

const hasScalars = (node: ASTNode, { element, language: { scalarFieldsOf } }: Place) =>
  node.op === 'id' && node.args === scalarFieldsOf && element !== scalarFieldsOf

/** Strangers and the broker put tables and lists into headers. */
const scalar =
  (header: Step): Step =>
  (frame) => {
    const value = header(frame)
    return typeof value === 'object' ? UNCLEAR : value
  }

const list =
  (parts: readonly Step[]): Step =>
  (frame) => {
    const values = parts.map((part) => part(frame))
    return values.includes(UNCLEAR) ? UNCLEAR : values
  }

const map =
  (entries: readonly { readonly key: Step; readonly value: Step }[]): Step =>
  (frame) => {
    const made = new Map<string, unknown>()
    for (const { key, value } of entries) {
      const [name, content] = [key(frame), value(frame)]
      if (typeof name !== 'string' || content === UNCLEAR) return UNCLEAR
      if (!spend(frame, 1 + name.length / CHARS_PER_STEP)) return UNCLEAR
      made.set(name, content)
    }
    return Object.fromEntries(made)
  }

const choice =
  (condition: Step, yes: Step, no: Step): Step =>
  (frame) => {
    const chosen = condition(frame)
    return typeof chosen === 'boolean' ? (chosen ? yes(frame) : no(frame)) : UNCLEAR
  }

/** `decisive` on either side decides, whatever the other side is: `false && unclear` is false, as CEL has it. */
const logical =
  (left: Step, right: Step, decisive: boolean): Step =>
  (frame) => {
    const first = left(frame)
    if (first === decisive) return decisive
    const second = right(frame)
    if (second === decisive) return decisive
    return typeof first === 'boolean' && typeof second === 'boolean' ? !decisive : UNCLEAR
  }

const unary =
  (value: Step, run: (value: unknown) => unknown): Step =>
  (frame) =>
    run(value(frame))

type Operator = (frame: Frame, a: unknown, b: unknown) => unknown

const binary =
  (left: Step, right: Step, run: Operator): Step =>
  (frame) => {
    const a = left(frame)
    const b = right(frame)
    return a === UNCLEAR || b === UNCLEAR ? UNCLEAR : run(frame, a, b)
  }

/** Most expressions compare with a text; it is as short as the expression, so that nothing has to be counted. */
function equality(left: ASTNode, right: ASTNode, compiled: (node: ASTNode) => Step): Step {
  if (right.op !== 'value' || typeof right.args !== 'string') return binary(compiled(left), compiled(right), equal)
  const [value, text] = [compiled(left), right.args]
  return (frame) => {
    const found = value(frame)
    return found === UNCLEAR ? UNCLEAR : found === text
  }
}

const ordering =
  (is: (order: number) => boolean): Operator =>
  (frame, a, b) => {
    const found = order(frame, a, b)
    return found === UNCLEAR ? UNCLEAR : is(found)
  }

const operators = {
  ...arithmetic,
  '!=': (frame: Frame, a: unknown, b: unknown) => {
    const same = equal(frame, a, b)
    return same === UNCLEAR ? UNCLEAR : !same
  },
  '<': ordering((found) => found < 0),
  '<=': ordering((found) => found <= 0),
  '>': ordering((found) => found > 0),
  '>=': ordering((found) => found >= 0),
} satisfies Record<string, Operator>

/** A list of texts that stands in the expression is looked up, however long it is. */
function membership(element: ASTNode, all: ASTNode, compiled: (node: ASTNode) => Step): Step {
  const texts = textsOf(all)
  if (!texts) return binary(compiled(element), compiled(all), contains)
  const known = new Set<unknown>(texts)
  return unary(compiled(element), (value) => (value === UNCLEAR ? UNCLEAR : known.has(value)))
}

/** The texts of a list of nothing but texts, such as `["a", "b"]`. */
export function textsOf(node: ASTNode): readonly string[] | undefined {
  if (node.op !== 'list' || node.args.length === 0) return undefined
  const texts = node.args.flatMap((part) => (part.op === 'value' && typeof part.args === 'string' ? [part.args] : []))
  return texts.length === node.args.length ? texts : undefined
}
