import { COMMON_MAX_LENGTH, COMMON_MIN_LENGTH, type CommonPasswords, foldLeet } from './common-passwords.ts'

// Decimal logarithms of the guesses that each part of a password costs an attacker who knows how people choose passwords.
const DIGIT = 1
const SIGN = 1.2
const LETTER = 1.7
const REST_OF_CHARACTER = 0.5
const OWN_WORD = 1
const REPEAT = 1
const RUN = 2.5
const YEAR = 2
const DATE = 4.5
const BREACHED = 6

const RUN_MIN_LENGTH = 3
const REPEAT_MAX_PERIOD = 32
// 128 code points outside the BMP. Compatibility mappings turn one character into up to 18.
const READ_MAX_LENGTH = 256
const OWN_WORDS_MAX = 20
const OWN_PARTS_MAX = 60
const BREACHED_MIN_LENGTH = 8

const RUN_LINES = runLines([
  'abcdefghijklmnopqrstuvwxyz',
  inKeys('абвгдежзийклмнопрстуфхцчшщъыьэюя'),
  '01234567890',
  '13579',
  '02468',
  // The rows and columns of a keyboard, its shifted digits, and the number pad.
  "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
  'qwertzuiop',
  'azertyuiopqsdfghjklmwxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  '!@#$%^&*()_+',
  '147258369',
  '789456123',
  '159357',
])

// Day, month and year in common orders with any separator, and in six digits.
const D = '(?:0?[1-9]|[12]\\d|3[01])'
const M = '(?:0?[1-9]|1[0-2])'
const Y = '(?:19|20)\\d\\d'
const DATES = [`${D}([-./ _]?)${M}\\1${Y}`, `${M}([-./ _]?)${D}\\1${Y}`, `${Y}([-./ _]?)${M}\\1${D}`]
const SHORT_DATES = [
  '(?:0[1-9]|[12]\\d|3[01])(?:0[1-9]|1[0-2])\\d\\d',
  '\\d\\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])',
]
const DATE_PATTERNS = [...DATES, ...SHORT_DATES].map(source => new RegExp(source, 'y'))
const YEAR_PATTERN = /(?:19|20)\d\d/y

/**
 * Estimates the number of guesses that a password takes, as a decimal logarithm. This is the cost of the cheapest way
 * to assemble it, forwards or backwards, from common passwords, words of the account, dates, keyboard runs, repetitions
 * and single characters. Based on zxcvbn (Wheeler, USENIX Security 2016). The time is proportional to the length, and
 * below 5 ms for any 128 characters, because l33t is folded instead of tried in all spellings and each kind of part has
 * a fixed cost.
 */
export function log10Guesses(password: string, common: CommonPasswords, words: string[]): number {
  const typed = asTyped(password)
  const ownWords = foldedWords(words)
  const backwards = [...typed].reverse().join('')
  return Math.min(cheapest(typed, common, ownWords), cheapest(backwards, common, ownWords))
}

/** The form in which all variants of a text are equal: NFKC, lower case, on a Latin keyboard, without l33t. */
export function foldPassword(password: string): string {
  return foldLeet(asTyped(password))
}

function asTyped(text: string): string {
  return inKeys(text.normalize('NFKC').toLowerCase().slice(0, READ_MAX_LENGTH))
}

/** Replaces Cyrillic by the Latin letters on the same keys: lists of breached passwords contain `пароль` as `gfhjkm`. */
function inKeys(text: string): string {
  const cyrillic = 'йцукенгшщзхъфывапролджэячсмитьбюё'
  const latin = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
  return text.replace(/[а-яё]/g, letter => latin[cyrillic.indexOf(letter)]!)
}

/** For each word: the whole word, its parts, its parts joined, and its sequences of letters. */
function foldedWords(words: string[]): string[] {
  const folded = words.slice(0, OWN_WORDS_MAX).flatMap(word => {
    const text = word.slice(0, READ_MAX_LENGTH).normalize('NFKC').toLowerCase()
    const parts = text.split(/[^\p{L}\p{N}]+/u)
    const names = text.split(/\P{L}+/u)
    return [text, parts.join(''), ...parts, ...names].map(foldPassword)
  })
  return [...new Set(folded)].filter(isTelling).slice(0, OWN_PARTS_MAX)
}

// Two letters can be a word in Korean or Chinese, but match by chance in Latin script.
function isTelling(word: string): boolean {
  return word.length >= 3 || /^[^\p{ASCII}]{2}$/u.test(word)
}

type Views = { typed: string; folded: string }
type Relax = (end: number, price: number) => void

/** The cost of the cheapest way to assemble the text, computed position by position. */
function cheapest(typed: string, common: CommonPasswords, ownWords: string[]): number {
  const views = { typed, folded: foldLeet(typed) }
  const prices = new Float64Array(typed.length + 1).fill(Number.POSITIVE_INFINITY)
  const repeats = repeatEnds(views.folded)
  const core = breachedCore(views, common)
  prices[0] = 0
  for (let start = 0; start < typed.length; start++) {
    const relax: Relax = (end, price) => {
      prices[end] = Math.min(prices[end]!, prices[start]! + price)
    }
    relax(start + 1, priceOf(typed.charCodeAt(start)))
    relaxCommon(views, start, common, relax)
    relaxOwn(views, start, ownWords, relax)
    relaxRuns(views, start, relax)
    relaxDates(views, start, relax)
    if (repeats[start]! > start) relax(repeats[start]!, REPEAT)
    if (core?.start === start) relax(core.end, BREACHED)
  }
  return prices[typed.length]!
}

function relaxCommon({ folded }: Views, start: number, common: CommonPasswords, relax: Relax): void {
  const last = Math.min(folded.length, start + COMMON_MAX_LENGTH)
  for (let end = start + COMMON_MIN_LENGTH; end <= last; end++) {
    const rank = common.rankOf(folded.slice(start, end))
    if (rank !== undefined) relax(end, Math.log10(rank))
  }
}

function relaxOwn({ folded }: Views, start: number, ownWords: string[], relax: Relax): void {
  for (const word of ownWords) {
    if (folded.startsWith(word, start)) relax(start + word.length, OWN_WORD)
  }
}

function relaxRuns({ typed }: Views, start: number, relax: Relax): void {
  let lines = -1
  for (let at = start; at + 1 < typed.length; at++) {
    lines &= RUN_LINES.get(typed.slice(at, at + 2)) ?? 0
    if (lines === 0) return
    const end = at + 2
    if (end - start >= RUN_MIN_LENGTH) relax(end, RUN)
  }
}

function relaxDates({ typed }: Views, start: number, relax: Relax): void {
  if (!isDigit(typed.charCodeAt(start))) return
  for (const pattern of DATE_PATTERNS) relaxPattern(pattern, DATE)
  relaxPattern(YEAR_PATTERN, YEAR)

  function relaxPattern(pattern: RegExp, price: number): void {
    pattern.lastIndex = start
    if (pattern.test(typed)) relax(pattern.lastIndex, price)
  }
}

/** For each position, where the text that begins there stops repeating the text before it. */
function repeatEnds(text: string): Int16Array {
  const ends = new Int16Array(text.length)
  for (let period = 1; period <= Math.min(REPEAT_MAX_PERIOD, text.length / 2); period++) {
    let end = text.length
    for (let at = text.length - 1; at >= period; at--) {
      if (text[at] !== text[at - period]) end = at
      if (end - at >= period) ends[at] = Math.max(ends[at]!, end)
    }
  }
  return ends
}

/** The password without digits and signs at both ends, if that is a breached password. */
function breachedCore({ typed, folded }: Views, common: CommonPasswords) {
  const start = typed.search(/\p{L}/u)
  const end = typed.search(/\P{L}*$/u)
  const isCandidate = start >= 0 && end - start >= BREACHED_MIN_LENGTH
  return isCandidate && common.isBreached(folded.slice(start, end)) ? { start, end } : undefined
}

function priceOf(unit: number): number {
  if (isDigit(unit)) return DIGIT
  if (unit < 0x80 && !isLatinLetter(unit)) return SIGN
  return isLowSurrogate(unit) ? REST_OF_CHARACTER : LETTER
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39
}

function isLatinLetter(unit: number): boolean {
  return unit >= 0x61 && unit <= 0x7a
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** For each pair of adjacent characters, the lines that contain it, forwards or backwards, as at most 31 bits. */
function runLines(lines: string[]): Map<string, number> {
  const pairs = new Map<string, number>()
  const directed = lines.flatMap(line => [line, [...line].reverse().join('')])
  for (const [index, line] of directed.entries()) {
    for (let at = 0; at + 1 < line.length; at++) {
      const pair = line.slice(at, at + 2)
      pairs.set(pair, (pairs.get(pair) ?? 0) | (1 << index))
    }
  }
  return pairs
}
