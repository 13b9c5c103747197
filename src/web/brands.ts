import apple from './brands/apple.svg'
import discord from './brands/discord.svg'
import facebook from './brands/facebook.svg'
import github from './brands/github.svg'
import gitlab from './brands/gitlab.svg'
import google from './brands/google.svg'
import kakao from './brands/kakao.svg'
import line from './brands/line.svg'
import microsoft from './brands/microsoft.svg'
import naver from './brands/naver.svg'

/**
 * The logos of the services that the server knows. Each is a file of this server: no visitor is reported to a service
 * before choosing it. The services' guidelines decide the colors, in brands.css, and the words, in the locales.
 */
export const logos = {
  apple,
  discord,
  facebook,
  github,
  gitlab,
  google,
  kakao,
  line,
  microsoft,
  naver,
} as const

export type Brand = keyof typeof logos

/** The names that the brands have unless the operator chooses others. */
export const brandNames: Record<Brand, string> = {
  apple: 'Apple',
  discord: 'Discord',
  facebook: 'Facebook',
  github: 'GitHub',
  gitlab: 'GitLab',
  google: 'Google',
  kakao: 'Kakao',
  line: 'LINE',
  microsoft: 'Microsoft',
  naver: 'Naver',
}
