import { warn } from './warn.ts'

const TEXTS = {
  lost: 'This device no longer has the key of its session, so the session ends here. Sign in again.',
  refused:
    'The server refused the proof of a key, so this session is bound to none. Use the address in its PUBLIC_URL.',
}

export function warnOfKey(problem: keyof typeof TEXTS): void {
  warn(TEXTS[problem])
}
