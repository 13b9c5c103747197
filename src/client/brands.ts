/** The names that the services have unless the operator chooses others. */
export const brandNames = {
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
} as const

export type Brand = keyof typeof brandNames
/** The words of each service's button, which it prescribes, or recommends first. */
export type BrandWords = { readonly [Name in Brand]: string }

export const englishBrandWords: BrandWords = {
  apple: 'Continue with Apple',
  discord: 'Continue with Discord',
  facebook: 'Continue with Facebook',
  github: 'Continue with GitHub',
  gitlab: 'Continue with GitLab',
  google: 'Continue with Google',
  kakao: 'Login with Kakao',
  line: 'Log in with LINE',
  microsoft: 'Sign in with Microsoft',
  naver: 'Sign in with NAVER',
}

export const koreanBrandWords: BrandWords = {
  apple: 'Apple로 계속하기',
  discord: 'Discord로 계속하기',
  facebook: 'Facebook으로 계속하기',
  github: 'GitHub로 계속하기',
  gitlab: 'GitLab으로 계속하기',
  google: 'Google로 계속하기',
  kakao: '카카오 로그인',
  line: 'LINE으로 로그인',
  microsoft: 'Microsoft로 로그인',
  naver: '네이버 로그인',
}

/** The brand whose words and look a button has: that of the service, unless the operator gave it another name. */
export function brandOf({ type, name }: { type: string; name: string }): Brand | undefined {
  if (!Object.hasOwn(brandNames, type)) return undefined
  const brand = type as Brand
  return brandNames[brand] === name ? brand : undefined
}
