import { expect } from '@jest/globals'

/** Attempts of each kind that count. With 1,000, the area of two equal kinds is within 0.5 ± 0.013 in two of three runs. */
const ATTEMPTS = 1000
/** Attempts of each kind that come first to warm up, and do not count. */
const WARM_UP = 100
/** The kinds take turns in blocks with this number of attempts each, in random order, so that load on the machine hits all alike. */
const BLOCK = 10

/** How far the area may be from 0.5. */
const TOLERANCE = 0.05

/** Times a request, and nothing around it. */
export type Timed = <Result>(request: () => Promise<Result>) => Promise<Result>

export type Figure = { what: string; area: number }

/**
 * Measures whether the time of an answer tells the first kind of name from any of the others, and prints each figure as
 * soon as it is known. The measure is the area under the ROC curve, the probability that an attempt of one kind takes
 * longer than one of the other: 0.5 reveals nothing. Each name is tried several times, as an attacker would do.
 *
 * Answers that are held back for a fixed time can be asked for a few at a time: otherwise the attempts do nothing but wait.
 */
export async function compare(
  way: string,
  kinds: Record<string, readonly string[]>,
  attempt: (name: string, timed: Timed) => Promise<void>,
  atATime = 1,
): Promise<Figure[]> {
  const startedAt = performance.now()
  const times = await measure(kinds, attempt, atATime)
  const [[first, ofFirst], ...others] = Object.entries(times) as [[string, number[]], ...[string, number[]][]]
  const figures = others.map(([kind, ofKind]) => ({
    what: `${way}: ${first} or ${kind}`,
    area: area(ofFirst, ofKind),
  }))
  const seconds = (performance.now() - startedAt) / 1000
  const medians = Object.entries(times).map(([kind, each]) => `${kind} ${median(each).toFixed(2)}`)
  process.stdout.write(
    [
      ...figures.map(({ what, area: value }) => `${what}: AUC ${value.toFixed(3)}\n`),
      `  median ms: ${medians.join(', ')} (measured in ${seconds.toFixed(0)} s)\n`,
    ].join(''),
  )
  return figures
}

/** Expects that no figure is further from 0.5 than chance. */
export function expectToRevealNothing(figures: readonly Figure[]): void {
  expect(figures.filter(({ area: value }) => Math.abs(value - 0.5) >= TOLERANCE)).toEqual([])
}

/** The milliseconds of each attempt, by kind. */
async function measure(
  kinds: Record<string, readonly string[]>,
  attempt: (name: string, timed: Timed) => Promise<void>,
  atATime: number,
): Promise<Record<string, number[]>> {
  const times = Object.fromEntries(Object.keys(kinds).map(kind => [kind, [] as number[]]))
  for (let turn = -WARM_UP; turn < ATTEMPTS; turn += BLOCK) {
    const left = block(kinds, turn + WARM_UP)
    const work = async () => {
      for (let next = left.pop(); next; next = left.pop()) {
        const [kind, name] = next
        await attempt(name, async request => {
          const start = performance.now()
          const result = await request()
          if (turn >= 0) times[kind]?.push(performance.now() - start)
          return result
        })
      }
    }
    await Promise.all(Array.from({ length: atATime }, work))
  }
  return times
}

/** The next names of each kind, in random order. */
function block(kinds: Record<string, readonly string[]>, from: number): [kind: string, name: string][] {
  const turns = Object.entries(kinds).flatMap(([kind, names]) =>
    Array.from({ length: BLOCK }, (_, index): [string, string] => [
      kind,
      names[(from + index) % names.length] ?? '',
    ]),
  )
  return turns
    .map(turn => ({ turn, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ turn }) => turn)
}

/** The probability that a value of `a` is larger than one of `b`; ties count half (Mann–Whitney U). */
function area(a: readonly number[], b: readonly number[]): number {
  let wins = 0
  for (const one of a) for (const other of b) wins += one > other ? 1 : one === other ? 0.5 : 0
  return wins / (a.length * b.length)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
