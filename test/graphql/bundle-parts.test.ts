import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'

// What `scripts/bundle.mjs` puts in the place of three packages in Apollo Server, which only the bundle contains. The
// scripts have no types.
type Negotiate = new (request: {
  headers: { accept: string | undefined }
}) => { mediaType(available: readonly string[]): string | undefined }
type ReadType = { parse(text: string): { essence: string } | null }
type Hash = (algorithm: string) => {
  update(text: unknown): ReturnType<Hash>
  digest(encoding: 'hex'): string
}

const load = async (specifier: string): Promise<Record<string, unknown>> => import(specifier)
const part = (name: string) => load(`../../scripts/bundle/${name}.mjs`)

const negotiators = async () => {
  const [quick, original] = await Promise.all([part('quick-negotiator'), load('negotiator')])
  return { Quick: quick.default as Negotiate, Original: original.default as Negotiate }
}

const TYPES = [
  'application/json; charset=utf-8',
  'application/graphql-response+json; charset=utf-8',
  'multipart/mixed; deferSpec=20220824',
  'multipart/mixed; incrementalSpec=v0.2',
  'text/html',
]
const accepts = fc.oneof(
  fc.constantFrom(undefined, '', 'undefined', '*/*', 'text/html,*/*;q=0.1', 'x'.repeat(400), ...TYPES),
  fc
    .array(fc.tuple(fc.constantFrom('*/*', 'application/*', ...TYPES), fc.constantFrom('', ';q=0', ';q=0.5')))
    .map(parts => parts.map(pair => pair.join('')).join(', ')),
  fc.string(),
)

test('the bundle chooses the media type that the package chooses, for any Accept, again and again', async () => {
  const { Quick, Original } = await negotiators()
  fc.assert(
    fc.property(accepts, fc.subarray(TYPES, { minLength: 1 }), (accept, available) => {
      const chosen = new Original({ headers: { accept } }).mediaType(available)
      for (let time = 0; time < 2; time++)
        expect(new Quick({ headers: { accept } }).mediaType(available)).toBe(chosen)
    }),
    { numRuns: 500 },
  )
})

test('the bundle reads a Content-Type as the package does, again and again', async () => {
  const [quick, original] = await Promise.all([part('quick-mime-type'), load('whatwg-mimetype')])
  const texts = fc.oneof(
    fc.constantFrom(
      '',
      'json',
      'text/plain',
      'Application/JSON ;charset=utf-8',
      'multipart/form-data; boundary=x',
    ),
    fc.string(),
  )
  fc.assert(
    fc.property(texts, text => {
      const reference = (original.default as ReadType).parse(text)?.essence
      for (let time = 0; time < 2; time++)
        expect((quick.default as ReadType).parse(text)?.essence).toBe(reference)
    }),
    { numRuns: 300 },
  )
})

test('the bundle hashes documents as Node does, and refuses what is not a text', async () => {
  const { createHash: quick } = (await part('quick-hash')) as { createHash: Hash }
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), texts => {
      const hash = texts.reduce((sum, text) => sum.update(text), quick('sha256'))
      expect(hash.digest('hex')).toBe(createHash('sha256').update(texts.join('')).digest('hex'))
    }),
  )
  expect(() => quick('sha256').update(Buffer.from('text'))).toThrow(TypeError)
})

test('what many clients send is not kept without limit', async () => {
  const { remembered } = (await part('remembered')) as {
    remembered(read: (text: string) => object): (text: string) => object
  }
  const readOf = new Map<string, number>()
  const read = remembered(text => {
    readOf.set(text, (readOf.get(text) ?? 0) + 1)
    return { text }
  })
  const first = read('first')
  expect(read('first')).toBe(first)
  for (let other = 0; other < 64; other++) read(`other ${other}`)
  expect(read('first')).not.toBe(first)
  const long = 'l'.repeat(300)
  expect(read(long)).not.toBe(read(long))
  expect(readOf.get('first')).toBe(2)
})
