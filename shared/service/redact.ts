/**
 * User and password in front of the host of any URL in the text; greedy, because a password may hold an unescaped `@` or `/`, up to the
 * comma in front of the next broker.
 */
const credentials = /(:\/\/[^:@/\s"'<>]*):(?:(?!,amqps?:\/\/)[^\s"'<>])*@/g

/** Masks the passwords of all URLs in a text, whatever else it holds: `amqp://guest:***@host`. */
export const redactUrl = (text: string) => (text.includes('://') ? text.replace(credentials, '$1:***@') : text)
