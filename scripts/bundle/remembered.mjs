/** Clients send few different headers. Someone who sends many only makes the others be read again. */
const TEXTS_MAX = 64
const LENGTH_MAX = 256

/** Remembers what `read` makes of a text. What it returns must not be changed. */
export function remembered(read) {
  const known = new Map()
  return text => {
    const found = known.get(text)
    if (found !== undefined) return found
    const value = read(text)
    if (value === undefined || String(text).length > LENGTH_MAX) return value
    if (known.size >= TEXTS_MAX) known.clear()
    known.set(text, value)
    return value
  }
}
