import type { ProviderType } from '../../../provider-settings/presets.ts'
import type { ProviderSettings } from '../../../provider-settings/settings.ts'
import type { Dialect } from '../dialect.ts'
import { apple } from './apple.ts'
import { discord } from './discord.ts'
import { facebook } from './facebook.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { kakao } from './kakao.ts'
import { line } from './line.ts'
import { microsoft } from './microsoft.ts'
import { naver } from './naver.ts'
import { oidc } from './oidc.ts'

const dialects: Record<ProviderType, Dialect> = {
  google,
  apple,
  microsoft,
  github,
  gitlab,
  discord,
  facebook,
  kakao,
  naver,
  line,
  oidc,
}

export function dialectOf(provider: ProviderSettings): Dialect {
  return dialects[provider.type]
}
