export type Strength = 'tooShort' | 'tooLong' | 'easy' | 'fair' | 'good' | 'strong'

export type StrengthRules = {
  /** In code points. */
  minLength: number
  maxLength: number
  /** Words of the account: address, username, name. */
  words: string[]
}

/** The stems of the most common passwords. The server has a list of a million more. */
const COMMON =
  /pass ?w(?:or|ro)d|qwert|asdf|zxcv|letmein|welcome|iloveyou|admin|monkey|dragon|football|baseball|sunshine|princess|master|abc|login|secret|(?:19|20)\d\d/g
const RUNS = '01234567890 abcdefghijklmnopqrstuvwxyz qwertyuiop asdfghjkl zxcvbnm'

/**
 * Estimates the strength of a password while it is typed, from its length and the common parts in it. This is advice
 * only: the server decides, and rejects passwords from known data breaches.
 */
export function strengthOf(password: string, { minLength, maxLength, words }: StrengthRules): Strength {
  const length = [...password.normalize('NFKC')].length
  if (length < minLength) return 'tooShort'
  if (length > maxLength) return 'tooLong'
  const surprises = surprisesIn(password.normalize('NFKC').toLowerCase(), words)
  if (surprises < 6) return 'easy'
  if (surprises < 10) return 'fair'
  return surprises < 14 ? 'good' : 'strong'
}

/** The number of characters that are hard to guess from the ones before. Known words and runs count as one. */
function surprisesIn(password: string, words: string[]): number {
  const own = words
    .flatMap(word => word.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    .filter(word => word.length > 2)
  const unowned = own.reduce((left, word) => left.replaceAll(word, '\0'), password)
  const characters = [...unowned.replace(COMMON, '\0')]
  const seen = new Set<string>()
  let surprises = 0
  for (const [index, character] of characters.entries()) {
    const previous = characters[index - 1] ?? ''
    if (RUNS.includes(previous + character) && previous) continue
    surprises += seen.has(character) ? 0.6 : 1
    if (previous === character) surprises -= 0.5
    seen.add(character)
  }
  return surprises
}
