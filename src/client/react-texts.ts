import { type BrandWords, englishBrandWords, koreanBrandWords } from './brands.ts'
import type { SignInProblem } from './react-use-sign-in.ts'

/** The texts of the components, in one language. Spread one of ours to change a few of them. */
export type Texts = {
  readonly signIn: string
  readonly identifier: string
  readonly password: string
  readonly remember: string
  readonly forgot: string
  readonly register: string
  readonly verifyEmail: (email: string) => string
  readonly resend: string
  readonly resent: string
  readonly back: string
  readonly continue: string
  readonly code: string
  readonly enterCode: string
  readonly recoveryCode: string
  readonly enterRecoveryCode: string
  readonly useCode: string
  readonly useRecoveryCode: string
  readonly usePasskey: string
  readonly passkeyFailed: string
  readonly trust: string
  readonly setUp: string
  /** Between the form and the buttons of providers. */
  readonly or: string
  readonly continueWith: (provider: string) => string
  /** The words of the buttons whose brand prescribes them. */
  readonly brands: BrandWords
  readonly enterEmail: string
  readonly email: string
  readonly createAccount: string
  readonly haveAccount: string
  readonly connect: string
  readonly accountOf: (name: string) => string
  readonly manageAccount: string
  readonly signOut: string
  readonly signOutFailed: string
  readonly tryAgain: string
  /** The problems that people can do something about. The other ones have the server's English text. */
  readonly problems: { readonly [Code in SignInProblem['code']]?: string }
  readonly wait: (minutes: number) => string
}

export const english: Texts = {
  signIn: 'Sign in',
  identifier: 'Email address or username',
  password: 'Password',
  remember: 'Stay signed in',
  forgot: 'Forgot password?',
  register: 'Create an account',
  verifyEmail: email =>
    `Verify your email address first: open the link in the email that we sent to ${email}.`,
  resend: 'Resend email',
  resent: 'Sent again.',
  back: 'Back',
  continue: 'Continue',
  code: 'Code',
  enterCode: 'Enter the code that your authenticator app shows.',
  recoveryCode: 'Recovery code',
  enterRecoveryCode: 'Enter one of the recovery codes that you stored.',
  useCode: 'Use the authenticator app',
  useRecoveryCode: 'Use a recovery code',
  usePasskey: 'Use a passkey or a security key',
  passkeyFailed: 'That didn’t work. Try again, or use another method.',
  trust: 'Trust this device',
  setUp: 'Your account needs a second factor before you can sign in.',
  or: 'or',
  continueWith: provider => `Continue with ${provider}`,
  brands: englishBrandWords,
  enterEmail: 'To create your account, enter the email address that it should use.',
  email: 'Email address',
  createAccount: 'Create account',
  haveAccount: 'I already have an account',
  connect: 'You already have an account. Sign in to it once to connect this service.',
  accountOf: name => `Account of ${name}`,
  manageAccount: 'Manage account',
  signOut: 'Sign out',
  signOutFailed: 'The server can’t be reached, so this device is still signed in.',
  tryAgain: 'Try again',
  problems: {
    INVALID_CREDENTIALS: 'Wrong email, username or password.',
    ACCOUNT_DISABLED: 'This account is disabled. Contact an administrator.',
    CODE_INVALID: 'Wrong code. Check it and try again.',
    PROVIDER_DENIED: 'The sign-in with the provider was canceled. Try again, or sign in another way.',
    PROVIDER_FAILED: 'The sign-in with the provider failed. Try again, or sign in another way.',
    IDENTITY_TAKEN: 'This identity is already connected to another account.',
    TOKEN_INVALID: 'This took too long, or began in another browser. Start again.',
    EMAIL_TAKEN: 'This address already has an account.',
    REGISTRATION_CLOSED: 'New accounts can’t be created right now.',
    TICKET_INVALID: 'This took too long. Go back and start over.',
    EMAIL_NOT_VERIFIED: 'Verify your email address first: open the link in the email we sent you.',
    SERVICE_UNAVAILABLE: 'The server is busy. Try again in a moment.',
    INTERNAL_SERVER_ERROR: 'Something went wrong on the server. Try again.',
    NETWORK: 'The server can’t be reached. Check your connection and try again.',
    UNSUPPORTED: 'Your account needs another step to sign in, which this page doesn’t support yet.',
    UNKNOWN: 'Something went wrong. Try again.',
  },
  wait: minutes => `Too many attempts. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`,
}

export const korean: Texts = {
  signIn: '로그인',
  identifier: '이메일 주소 또는 사용자 이름',
  password: '비밀번호',
  remember: '로그인 상태 유지',
  forgot: '비밀번호 찾기',
  register: '가입하기',
  verifyEmail: email => `먼저 ${email} 주소로 보낸 메일의 링크를 열어 이메일 주소를 인증해 주세요.`,
  resend: '메일 다시 보내기',
  resent: '다시 보냈습니다.',
  back: '뒤로',
  continue: '계속',
  code: '코드',
  enterCode: '인증 앱에 표시된 코드를 입력해 주세요.',
  recoveryCode: '복구 코드',
  enterRecoveryCode: '보관해 둔 복구 코드를 입력해 주세요.',
  useCode: '인증 앱 사용',
  useRecoveryCode: '복구 코드 사용',
  usePasskey: '패스키 또는 보안 키 사용',
  passkeyFailed: '확인하지 못했습니다. 다시 시도하거나 다른 방법을 사용해 주세요.',
  trust: '이 기기를 신뢰하기',
  setUp: '로그인하려면 먼저 2단계 인증을 설정해야 합니다.',
  or: '또는',
  continueWith: provider => `${provider} 계정으로 계속하기`,
  brands: koreanBrandWords,
  enterEmail: '가입을 마치려면 사용할 이메일 주소를 입력해 주세요.',
  email: '이메일 주소',
  createAccount: '가입하기',
  haveAccount: '이미 계정이 있어요',
  connect: '이미 가입한 계정이 있습니다. 한 번만 로그인하면 이 서비스가 계정에 연결됩니다.',
  accountOf: name => `${name} 님의 계정`,
  manageAccount: '계정 관리',
  signOut: '로그아웃',
  signOutFailed: '서버에 연결할 수 없어 이 기기는 아직 로그인되어 있습니다.',
  tryAgain: '다시 시도',
  problems: {
    INVALID_CREDENTIALS: '이메일 주소, 사용자 이름 또는 비밀번호가 올바르지 않습니다.',
    ACCOUNT_DISABLED: '정지된 계정입니다. 관리자에게 문의해 주세요.',
    CODE_INVALID: '코드가 올바르지 않습니다. 확인하고 다시 입력해 주세요.',
    PROVIDER_DENIED: '간편 로그인이 취소되었습니다. 다시 시도하거나 다른 방법으로 로그인해 주세요.',
    PROVIDER_FAILED: '간편 로그인에 실패했습니다. 다시 시도하거나 다른 방법으로 로그인해 주세요.',
    IDENTITY_TAKEN: '이미 다른 계정에 연결된 간편 로그인입니다.',
    TOKEN_INVALID: '시간이 초과되었거나 다른 브라우저에서 시작한 로그인입니다. 처음부터 다시 시도해 주세요.',
    EMAIL_TAKEN: '이미 가입된 이메일 주소입니다.',
    REGISTRATION_CLOSED: '지금은 가입할 수 없습니다.',
    TICKET_INVALID: '시간이 초과되었습니다. 처음부터 다시 시도해 주세요.',
    EMAIL_NOT_VERIFIED: '먼저 보내 드린 메일의 링크를 열어 이메일 주소를 인증해 주세요.',
    SERVICE_UNAVAILABLE: '서버가 혼잡합니다. 잠시 후 다시 시도해 주세요.',
    INTERNAL_SERVER_ERROR: '서버에 문제가 생겼습니다. 다시 시도해 주세요.',
    NETWORK: '서버에 연결할 수 없습니다. 인터넷 연결을 확인하고 다시 시도해 주세요.',
    UNSUPPORTED: '이 계정은 추가 인증이 필요하지만, 이 페이지에서는 아직 지원하지 않습니다.',
    UNKNOWN: '문제가 생겼습니다. 다시 시도해 주세요.',
  },
  wait: minutes => `시도 횟수를 초과했습니다. ${minutes}분 후에 다시 시도해 주세요.`,
}
