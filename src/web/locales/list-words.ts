import { primaryOf } from '../language-choice.ts'

/** The server estimates numbers above this one. */
const EXACT_MAX = 10_000

/**
 * The words in the rows of a list and around it. They are apart from the other texts, because the list of people is
 * shown before those have arrived.
 */
export type ListWords = {
  accounts: (n: number) => string
  range: (first: number, last: number, total: number) => string
  total: (total: number) => string
  select: (person: string) => string
  times: (zone: string) => string
  /** A number, which the server only estimates above some size. */
  about: (n: number) => string
  never: string
  active: string
  disabled: string
  unverified: string
  invited: string
}

const english = (n: number) => n.toLocaleString('en')
const about = (n: number) => (n > EXACT_MAX ? `about ${english(n)}` : english(n))

export const englishListWords: ListWords = {
  accounts: n => `${english(n)} ${n === 1 ? 'account' : 'accounts'}`,
  range: (first, last, total) => `${english(first)}–${english(last)} of ${about(total)}`,
  total: total => `${about(total)} in total`,
  select: person => `Select ${person}`,
  times: zone => `Times are in your time zone: ${zone}.`,
  about,
  never: 'never',
  active: 'Active',
  disabled: 'Disabled',
  unverified: 'Not confirmed',
  invited: 'Invited',
}

const korean = (n: number) => n.toLocaleString('ko')
const koreanAbout = (n: number) => (n > EXACT_MAX ? `약 ${korean(n)}` : korean(n))

export const koreanListWords: ListWords = {
  accounts: n => `계정 ${n}개`,
  range: (first, last, total) => `${koreanAbout(total)}개 중 ${korean(first)}–${korean(last)}`,
  total: total => `총 ${koreanAbout(total)}개`,
  select: person => `${person} 선택`,
  times: zone => `시각은 ${zone} 기준입니다.`,
  about: koreanAbout,
  never: '없음',
  active: '사용 중',
  disabled: '정지됨',
  unverified: '미인증',
  invited: '초대됨',
}

/** In the language of a tag; in English, if there is none. */
export function listWordsIn(tag: string): ListWords {
  return primaryOf(tag) === 'ko' ? koreanListWords : englishListWords
}
