/**
 * What a client prefers, RFC 7240: `Prefer: respond-async, wait=10`. A preference is never an order, so what cannot be read is as
 * if it had not been said.
 */

/** The header of an ordinary client has some dozens; longer ones would only cost time to read. */
const HEADER_CHARS_MAX = 1_024

/** Between commas, and a comma inside quotes is none. */
const ELEMENT = /(?:"(?:[^"\\]|\\.)*"|[^,])+/g
/** `name`, `name=token` or `name="text"`, with parameters behind semicolons that nothing here depends on. */
const PREFERENCE = /^\s*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\.)*)"))?\s*(?:;.*)?$/
const DELTA_SECONDS = /^\d+$/

/** How many seconds a client would wait for the outcome; 0 when it does not say so. Of several, the first counts. */
export function waitSecondsOf(header: string | undefined): number {
  if (header === undefined || header.length > HEADER_CHARS_MAX) return 0
  for (const [element] of header.matchAll(ELEMENT)) {
    const [, name, token, quoted] = PREFERENCE.exec(element) ?? []
    if (name?.toLowerCase() !== 'wait') continue
    const value = token ?? quoted?.replace(/\\(.)/g, '$1') ?? ''
    return DELTA_SECONDS.test(value) ? Number(value) : 0
  }
  return 0
}
