import type { Brand } from '../client/brands.ts'
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
 * before choosing it. The services' guidelines decide the colors, in brands.css, and the words, in src/client/brands.ts.
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
} as const satisfies Record<Brand, string>
