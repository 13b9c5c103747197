'use client'

import { createElement, type FormEvent, type ReactNode, useId } from 'react'
import { problemText, quietButton, submitButton } from './react-form-parts.ts'
import type { Texts } from './react-texts.ts'
import type { SignInState } from './react-use-sign-in.ts'

type ProviderSignUpProps = { state: Extract<SignInState, { step: 'providerSignUp' }>; texts: Texts }

/** Asks for the address that a provider did not give, or did not answer for. */
export function ProviderSignUpForm({ state, texts }: ProviderSignUpProps): ReactNode {
  const { busy, problem, pending, complete, connect, back } = state
  const id = useId()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const email = String(new FormData(event.currentTarget).get('email'))
    void complete({ email, ...(pending.displayName !== null && { displayName: pending.displayName }) })
  }
  return createElement(
    'form',
    { className: 'authograph-form', onSubmit: submit, 'aria-busy': busy },
    createElement('p', {}, texts.enterEmail),
    createElement(
      'div',
      { className: 'authograph-field' },
      createElement('label', { htmlFor: `${id}-email` }, texts.email),
      createElement('input', {
        id: `${id}-email`,
        name: 'email',
        type: 'email',
        required: true,
        autoFocus: true,
        autoComplete: 'email',
        defaultValue: pending.email ?? '',
        'aria-invalid': problem?.code === 'EMAIL_TAKEN' || problem?.code === 'BAD_USER_INPUT',
        'aria-describedby': `${id}-problem`,
      }),
    ),
    createElement(
      'p',
      { id: `${id}-problem`, className: 'authograph-problem', role: 'alert' },
      problemText(texts, problem),
    ),
    submitButton(texts.createAccount, busy),
    quietButton(texts.haveAccount, connect),
    quietButton(texts.back, back),
  )
}
