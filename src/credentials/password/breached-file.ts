import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

const HASH_LENGTH = 40
const LINE = /^[0-9A-Fa-f]{40}:\d/
// `HASH:COUNT\r\n` with a 20-digit count has 63 bytes. A probe has room for two lines, so it contains the start of one.
const PROBE_BYTES = 128
const WINDOW_BYTES = 4096

/**
 * Whether the password is in a file of breached passwords in the format of Have I Been Pwned: one
 * `HASH:COUNT` per line, SHA-1 in hexadecimal, sorted by hash, with CRLF or LF. Searches the file without
 * loading it: about 14 reads of 128 bytes for all of HIBP (40 GB). Opens the file for each search, so you can
 * replace it while the program runs, by renaming another file over it.
 *
 * Hashes `password` unchanged, in UTF-8: pass it through `normalizePassword` first.
 * @throws Error if the file cannot be read or is not in that format
 */
export async function breachedInFile(path: string, password: string): Promise<boolean> {
  const target = createHash('sha1').update(password, 'utf8').digest('hex').toUpperCase()
  const file = await open(path)
  try {
    return await search({ path, file }, target)
  } finally {
    await file.close()
  }
}

type Source = { path: string; file: FileHandle }

// Every line that begins before `low` has a smaller hash, and every line from `high` on has a larger one.
async function search(source: Source, target: string): Promise<boolean> {
  let low = 0
  let high = (await source.file.stat()).size
  const likely = likelyBounds(high, target)
  while (high - low > WINDOW_BYTES) {
    const bound = likely.shift()
    const isInside = bound !== undefined && bound > low && bound < high - PROBE_BYTES
    const line = await lineAfter(source, isInside ? bound : Math.floor((low + high) / 2))
    if (line.hash === target) return true
    if (line.hash < target) low = line.offset
    else high = line.offset
  }
  return scan(source, low, high, target)
}

// Hashes are distributed evenly: the standard deviation of a line's position is 3.4 √size bytes at 45 bytes per line.
// Two reads at six standard deviations save ten halvings of a 40 GB file.
function likelyBounds(size: number, target: string): number[] {
  const expected = (Number.parseInt(target.slice(0, 12), 16) / 2 ** 48) * size
  const margin = 20 * Math.sqrt(size)
  return [Math.floor(expected - margin), Math.floor(expected + margin)]
}

async function scan(source: Source, low: number, high: number, target: string): Promise<boolean> {
  const lines = (await read(source, low, high - low)).split('\n').filter(line => line.trim() !== '')
  return lines.some(line => hashOf(source, line) === target)
}

async function lineAfter(source: Source, offset: number): Promise<{ offset: number; hash: string }> {
  const text = await read(source, offset, PROBE_BYTES)
  const start = text.indexOf('\n') + 1
  if (start === 0) throw wrongFormat(source)
  return { offset: offset + start, hash: hashOf(source, text.slice(start)) }
}

async function read({ file }: Source, offset: number, byteCount: number): Promise<string> {
  const buffer = Buffer.alloc(byteCount)
  const { bytesRead } = await file.read(buffer, 0, byteCount, offset)
  return buffer.toString('latin1', 0, bytesRead)
}

function hashOf(source: Source, line: string): string {
  if (!LINE.test(line)) throw wrongFormat(source)
  return line.slice(0, HASH_LENGTH).toUpperCase()
}

function wrongFormat({ path }: Source): Error {
  return new Error(
    `${path} is not a list of HASH:COUNT lines sorted by SHA-1, the format of Have I Been Pwned.`,
  )
}
