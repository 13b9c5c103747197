'use client'

import { createElement, type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import type * as Passkeys from './passkeys.ts'
import { useAuth } from './react-auth.ts'
import { classes, problemText, quietButton, submitButton } from './react-form-parts.ts'
import { usePageUrl } from './react-page-url.ts'
import type { OfferedProvider, ProviderButtonsProps } from './react-provider-buttons.ts'
import { ProviderSignUpForm } from './react-provider-forms.ts'
import { english, type Texts } from './react-texts.ts'
import { type SignInState, useSignIn } from './react-use-sign-in.ts'

export type SignInProps = {
  /** The language. Default: `english`. */
  texts?: Texts | undefined
  /** Whether to link to the server's pages for a new password and a new account. Default: true. */
  links?: boolean | undefined
  /**
   * Whether to show a button for each provider that the server offers. The provider leads back to this page, whose origin
   * RETURN_ORIGINS or CORS_ORIGINS must list. Default: true.
   */
  providers?: boolean | undefined
  /** The entry `passkeys` of this package, for passkeys and security keys as second factors. */
  passkeys?: Pick<typeof Passkeys, 'completeLoginWithPasskey'> | undefined
  className?: string | undefined
}

/**
 * A form to sign in with a password or another provider. Shows nothing to users who are signed in. It has no style of its own: style the
 * classes that begin with `authograph-`, or import `authograph-client/styles.css` and set its variables.
 */
export function SignIn({
  texts = english,
  links = true,
  providers = true,
  passkeys,
  className,
}: SignInProps): ReactNode {
  const state = useSignIn()
  const titleId = useId()
  if (state.step === 'signedIn') return null
  return createElement(
    'section',
    { className: classes('authograph-sign-in', className), 'aria-labelledby': titleId },
    createElement('h2', { id: titleId, className: 'authograph-title' }, texts.signIn),
    stepForm(state, { texts, links, providers, passkeys }),
  )
}

type FormOptions = { texts: Texts; links: boolean; providers: boolean; passkeys: SignInProps['passkeys'] }

function stepForm(
  state: Exclude<SignInState, { step: 'signedIn' }>,
  { texts, links, providers, passkeys }: FormOptions,
): ReactNode {
  switch (state.step) {
    case 'credentials':
      return [
        createElement(CredentialsForm, { key: 'form', state, texts, links }),
        providers && createElement(Providers, { key: 'providers', state, texts }),
      ]
    case 'providerLink':
      return createElement(CredentialsForm, { state, texts, links: false })
    case 'providerSignUp':
      return createElement(ProviderSignUpForm, { state, texts })
    case 'secondFactor':
      return createElement(SecondFactorForm, { state, texts, passkeys })
    case 'setup':
      return createElement(SetUp, { state, texts })
    default:
      return createElement(VerifyEmail, { state, texts })
  }
}

export type SignInLinkProps = {
  /** The language of the default text. Default: `english`. */
  texts?: Texts | undefined
  className?: string | undefined
  /** Default: “Sign in”. */
  children?: ReactNode
}

/** A link to the server's sign-in page, which returns to the current page. */
export function SignInLink({
  texts = english,
  className,
  children = texts.signIn,
}: SignInLinkProps): ReactNode {
  const href = usePageUrl('sign-in')
  return createElement('a', { href, className: classes('authograph-sign-in-link', className) }, children)
}

type StepProps<Step extends SignInState['step']> = {
  state: Extract<SignInState, { step: Step }>
  texts: Texts
}

type Offer = { Buttons: (props: ProviderButtonsProps) => ReactNode; providers: readonly OfferedProvider[] }

/** The buttons load once the server has said that it offers a provider. Without them, the password still works. */
function Providers({ state, texts }: StepProps<'credentials'>): ReactNode {
  const { client } = useAuth()
  const [offer, setOffer] = useState<Offer>()
  useEffect(() => {
    let stopped = false
    const load = async () => {
      const { providers } = await client.settings()
      if (providers.length === 0 || stopped) return
      const { ProviderButtons: Buttons } = await import('./react-provider-buttons.ts')
      if (!stopped) setOffer({ Buttons, providers })
    }
    load().catch(() => {})
    return () => {
      stopped = true
    }
  }, [client])
  if (!offer) return null
  const { Buttons, providers } = offer
  const { busy, signInWithProvider } = state
  return createElement(Buttons, { providers, texts, busy, go: id => void signInWithProvider(id) })
}

type CredentialsProps = {
  state: Extract<SignInState, { step: 'credentials' | 'providerLink' }>
  texts: Texts
  links: boolean
}

function CredentialsForm({ state, texts, links }: CredentialsProps): ReactNode {
  const newPassword = usePageUrl('forgot-password')
  const registration = usePageUrl('register')
  const password = useRef<HTMLInputElement>(null)
  const id = useId()
  const { busy, problem, signIn } = state
  const pending = state.step === 'providerLink' ? state.pending : undefined
  const isWrong = problem?.code === 'INVALID_CREDENTIALS'

  useEffect(() => {
    if (isWrong && !busy) password.current?.select()
  }, [isWrong, busy])

  // React 19 clears the inputs after a form `action`, even if the password was wrong.
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    void signIn({
      identifier: String(form.get('identifier')),
      password: String(form.get('password')),
      rememberMe: form.has('remember'),
    })
  }
  const field = (name: string, label: string, attributes: object) =>
    createElement(
      'div',
      { className: 'authograph-field' },
      createElement('label', { htmlFor: `${id}-${name}` }, label),
      createElement('input', {
        id: `${id}-${name}`,
        name,
        required: true,
        'aria-invalid': isWrong,
        'aria-describedby': `${id}-problem`,
        ...attributes,
      }),
    )
  return createElement(
    'form',
    { className: 'authograph-form', onSubmit: submit, 'aria-busy': busy },
    pending && createElement('p', {}, texts.connect),
    field('identifier', texts.identifier, {
      defaultValue: pending?.email ?? '',
      autoComplete: 'username',
      autoCapitalize: 'none',
      spellCheck: false,
    }),
    field('password', texts.password, { type: 'password', autoComplete: 'current-password', ref: password }),
    createElement(
      'label',
      { className: 'authograph-choice' },
      createElement('input', { type: 'checkbox', name: 'remember', defaultChecked: true }),
      texts.remember,
    ),
    // Always in the page: screen readers read what is put into it.
    createElement(
      'p',
      { id: `${id}-problem`, className: 'authograph-problem', role: 'alert' },
      problemText(texts, problem),
    ),
    submitButton(texts.signIn, busy),
    links &&
      createElement(
        'p',
        { className: 'authograph-links' },
        createElement('a', { href: newPassword }, texts.forgot),
        ' ',
        createElement('a', { href: registration }, texts.register),
      ),
    state.step === 'providerLink' && quietButton(texts.back, state.back),
  )
}

/** The methods that this form can ask for, the first of which it does. */
function SecondFactorForm({
  state,
  texts,
  passkeys,
}: StepProps<'secondFactor'> & { passkeys: SignInProps['passkeys'] }): ReactNode {
  const { client } = useAuth()
  const { busy, problem, methods, canTrustDevice, pending, complete, back } = state
  const [isRecovery, setIsRecovery] = useState(!methods.includes('TOTP'))
  const [passkeyFailed, setPasskeyFailed] = useState(false)
  const id = useId()
  const hasKey = passkeys && methods.some(method => method === 'PASSKEY' || method === 'SECURITY_KEY')
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const code = String(form.get('code'))
    void complete(isRecovery ? { recoveryCode: code } : { totpCode: code }, {
      trustDevice: form.has('trust'),
    })
  }
  const usePasskey = () => {
    setPasskeyFailed(false)
    passkeys?.completeLoginWithPasskey(client, pending).catch(() => setPasskeyFailed(true))
  }
  return createElement(
    'form',
    { className: 'authograph-form', onSubmit: submit, 'aria-busy': busy },
    createElement('p', {}, isRecovery ? texts.enterRecoveryCode : texts.enterCode),
    createElement(
      'div',
      { className: 'authograph-field' },
      createElement('label', { htmlFor: `${id}-code` }, isRecovery ? texts.recoveryCode : texts.code),
      createElement('input', {
        id: `${id}-code`,
        // A code of one kind is never one of the other.
        key: String(isRecovery),
        name: 'code',
        required: true,
        autoFocus: true,
        autoComplete: isRecovery ? 'off' : 'one-time-code',
        inputMode: isRecovery ? 'text' : 'numeric',
        spellCheck: false,
        'aria-invalid': problem?.code === 'CODE_INVALID',
        'aria-describedby': `${id}-problem`,
      }),
    ),
    canTrustDevice &&
      createElement(
        'label',
        { className: 'authograph-choice' },
        createElement('input', { type: 'checkbox', name: 'trust' }),
        texts.trust,
      ),
    createElement(
      'p',
      { id: `${id}-problem`, className: 'authograph-problem', role: 'alert' },
      passkeyFailed ? texts.passkeyFailed : problemText(texts, problem),
    ),
    submitButton(texts.continue, busy),
    hasKey && quietButton(texts.usePasskey, usePasskey),
    methods.includes('TOTP') &&
      methods.includes('RECOVERY_CODE') &&
      quietButton(isRecovery ? texts.useCode : texts.useRecoveryCode, () => setIsRecovery(!isRecovery)),
    quietButton(texts.back, back),
  )
}

function SetUp({ state, texts }: StepProps<'setup'>): ReactNode {
  const href = usePageUrl('sign-in')
  return createElement(
    'div',
    { className: 'authograph-form' },
    createElement('p', { role: 'status' }, texts.setUp),
    createElement('a', { href, className: 'authograph-sign-in-link' }, texts.continue),
    quietButton(texts.back, state.back),
  )
}

function VerifyEmail({ state, texts }: StepProps<'verifyEmail'>): ReactNode {
  const { busy, problem, email, resent, resend, back } = state
  const text = useRef<HTMLParagraphElement>(null)
  useEffect(() => text.current?.focus(), [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void resend()
  }
  return createElement(
    'form',
    { className: 'authograph-form', onSubmit: submit, 'aria-busy': busy },
    createElement('p', { ref: text, tabIndex: -1 }, texts.verifyEmail(email)),
    createElement('p', { className: 'authograph-notice', role: 'status' }, resent && !busy && texts.resent),
    createElement('p', { className: 'authograph-problem', role: 'alert' }, problemText(texts, problem)),
    submitButton(texts.resend, busy),
    quietButton(texts.back, back),
  )
}
