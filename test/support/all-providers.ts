import { generateKeyPairSync } from 'node:crypto'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** The brands that the server knows, in the order of their buttons. */
export const BRANDS = [
  'google',
  'apple',
  'kakao',
  'naver',
  'microsoft',
  'github',
  'gitlab',
  'discord',
  'facebook',
  'line',
] as const

/** The settings of a server with a button for each brand, and one for a provider of its own. Nothing is behind them. */
export const ALL_PROVIDERS: Record<string, string> = {
  PROVIDERS: [...BRANDS, 'corp'].join(','),
  ...Object.fromEntries(
    [...BRANDS, 'corp'].flatMap(id => {
      const prefix = `PROVIDER_${id.toUpperCase()}_`
      const secret = id === 'apple' ? [] : [[`${prefix}CLIENT_SECRET`, 'none']]
      return [[`${prefix}CLIENT_ID`, 'authograph'], ...secret]
    }),
  ),
  PROVIDER_APPLE_TEAM_ID: 'ABCDE12345',
  PROVIDER_APPLE_KEY_ID: 'KEY1234567',
  PROVIDER_APPLE_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  PROVIDER_CORP_ISSUER: 'http://localhost:9',
  PROVIDER_CORP_NAME: 'Corp',
}
