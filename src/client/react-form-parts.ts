import { createElement, type ReactNode } from 'react'
import type { Texts } from './react-texts.ts'
import type { SignInProblem } from './react-use-sign-in.ts'

/** Not `disabled` while busy, which would take the focus away. */
export function submitButton(label: string, busy: boolean): ReactNode {
  return createElement(
    'button',
    { type: 'submit', className: 'authograph-button', 'aria-disabled': busy },
    label,
  )
}

export function quietButton(label: string, onClick: () => void): ReactNode {
  return createElement('button', { type: 'button', className: 'authograph-quiet', onClick }, label)
}

/** Why the last attempt failed, in the language of the texts. */
export function problemText(texts: Texts, problem: SignInProblem | undefined): string | undefined {
  if (!problem) return undefined
  if (problem.code === 'RATE_LIMITED' && problem.retryAfterSeconds)
    return texts.wait(Math.ceil(problem.retryAfterSeconds / 60))
  return texts.problems[problem.code] ?? problem.message
}

export function classes(...names: (string | undefined)[]): string {
  return names.filter(Boolean).join(' ')
}
