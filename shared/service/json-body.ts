import { isUtf8 } from 'node:buffer'
import { parseFiniteJson } from '../finite-json.ts'
import { HttpProblem } from './errors.ts'

/** Deeper documents are refused before they are parsed: no body of ours needs it, and recursive code must not meet them. */
export const JSON_DEPTH_MAX = 64

/** Parses a body as JSON; nothing at all is `undefined`. Throws HttpProblem 400 that says what is wrong with it. */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw bad('The body is not valid UTF-8.')
  const json = body.toString('utf8').replace(/^\uFEFF/, '')
  if (json.trim() === '') return undefined
  if (isDeeper(json, JSON_DEPTH_MAX)) throw bad(`The body is nested deeper than ${JSON_DEPTH_MAX} levels.`)
  try {
    return parseFiniteJson(json, mayHoldProto.test(json) ? refuseProto : undefined)
  } catch (error) {
    if (error instanceof HttpProblem) throw error
    if (error instanceof RangeError) throw bad(`${error.message}.`, error)
    throw bad(`The body is not JSON: ${error instanceof Error ? error.message : String(error)}.`, error)
  }
}

const bad = (detail: string, cause?: unknown) => new HttpProblem(400, { title: 'Invalid JSON', detail, cause })

/** Also its escaped spellings. The slow parse with a function per key happens only when this finds something. */
const mayHoldProto = /__proto__|\\u005f/i

function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__') throw bad('A key of the body is named __proto__, which is not allowed.')
  return value
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Whether a JSON text nests arrays and objects deeper than this; looks at brackets outside of strings only, without parsing. */
export function isDeeper(json: string, depthMax: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === QUOTE) inString = !inString
    else if (inString) {
      if (code === BACKSLASH) i++
    } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      if (++depth > depthMax) return true
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) depth--
  }
  return false
}
