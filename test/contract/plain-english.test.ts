import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** Phrases that make a native reader stop, and what to write instead. */
const PHRASES: [pattern: RegExp, instead: string][] = [
  [/\b(?:the|one's|of the) own\b/i, 'your, their'],
  [
    /\b(?:a|an|one|each|this|that|every|another|which|the first|the last) mail\b(?! (?:server|program|box|client|host))/i,
    'email',
  ],
  [/\bmails\b/i, 'emails'],
  [/\be-mails?\b/i, 'email'],
  [
    /\bwhoever\b|\bwhomever\b|\bnobody\b|\bsomebody\b|\beverybody\b/i,
    'anyone who, no one, another user; better: the role',
  ],
  [/\b(?:is|are|was|were|be) told\b/i, 'is notified, receives an email'],
  [/\bat once\b/i, 'immediately, or at the same time'],
  [
    /\bgood (?:for (?:\d|one|a )|once|until)|\b(?:no|still|is) longer good\b|\b(?:is|are) no good\b/i,
    'valid for, single-use, invalid',
  ],
  [/\bso many\b/i, 'a number of'],
  [/\bshall\b/i, 'must, is'],
  [/\ball the same\b/i, 'still'],
  [/\bwants (?:a|an|the|to)\b|\bis wanted\b|\bare wanted\b/i, 'requires, is required'],
  [/\bhas to be given\b|\bunless told\b/i, 'is required, by default'],
  [/\bwhat is over\b/i, 'expired'],
  [/\bwhere there (?:is|are) none\b/i, 'if none exists'],
  [/\bgoes with it\b|\bcomes with it\b/i, 'is deleted with it, is included'],
  [/\bnothing beyond\b/i, 'only'],
  [/\bin any case\b/i, 'always'],
  [
    /\b(?:normalis|authoris|recognis|initialis|serialis|organis|colour|behaviour|licence|honour|cancell(?:ed|ing)\b)/i,
    'American spelling',
  ],
]

/** Names that the database, the API and the code have fixed. A line is read without them. */
const NAMES = [
  // The table, in SQL and in Prisma's schema.
  /\b(?:FROM|UPDATE|INTO|JOIN|ANALYZE) mails\b|\bNULL::mails\b|@@map\("mails"\)/g,
  // Keys of objects and JSON, fields, files and the page's address.
  /(?<=^\s*|[{,] )mails: |\.mails\b|'mails'|\bmails\.(?:resolver|types|test|web|tsx?)\b|\/mails\b/g,
  // What `prune --json` counts.
  /'(?:sent mails|failed mails|links of mails)'/g,
]

/** Generated code, applied migrations, and this list. */
const EXEMPT = [
  'src/generated/',
  'test/contract/plain-english.test.ts',
  'prisma/migrations/',
  'package-lock.json',
]
const READ = /\.(?:ts|tsx|mjs|md|graphql|prisma|css|html|ya?ml)$|^\.env\.example$|^Dockerfile$|^\.ci\//

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter(file => READ.test(file) && !EXEMPT.some(exempt => file.startsWith(exempt)))

/** The phrases of the list in a text, each with its line. */
function findings(text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const words = NAMES.reduce((rest, name) => rest.replace(name, ''), line)
    return PHRASES.filter(([pattern]) => pattern.test(words)).map(
      ([pattern, instead]) => `${index + 1}: ${words.match(pattern)?.[0]} → ${instead}`,
    )
  })
}

test('the list finds each phrase, and nothing in a correct sentence', () => {
  expect(findings('Ends one of the own sessions at once.')).toHaveLength(2)
  expect(findings('Whoever reads a mail is told so.')).toHaveLength(3)
  expect(findings('Immediately ends one of your sessions. You receive an email.')).toEqual([])
  expect(findings("SELECT id FROM mails WHERE kind = 'mails'")).toEqual([])
  expect(findings('Links in mails: valid for a day')).toHaveLength(1)
  expect(files.length).toBeGreaterThan(300)
})

test('no text that people read has a phrase of the list', () => {
  const found = files.flatMap(file =>
    findings(readFileSync(path.join(ROOT, file), 'utf8')).map(at => `${file}:${at}`),
  )
  expect(found).toEqual([])
})
