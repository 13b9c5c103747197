import { PasswordInput, type PasswordInputProps, TextInput, type TextInputProps } from '@mantine/core'
import { useState } from 'react'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { type Strength, strengthOf } from '../strength.ts'

export function EmailField(props: TextInputProps) {
  const { common } = useText()
  return (
    <TextInput
      name="email"
      type="email"
      label={common.email}
      autoComplete="email"
      required
      withAsterisk={false}
      {...props}
    />
  )
}

/** A password input that can be shown, pasted into and filled in by a password manager. */
export function PasswordField(props: PasswordInputProps) {
  const { common } = useText()
  const [visible, setVisible] = useState(false)
  return (
    <PasswordInput
      label={common.password}
      autoComplete="current-password"
      maxLength={4096}
      required
      withAsterisk={false}
      visible={visible}
      onVisibilityChange={setVisible}
      visibilityToggleButtonProps={{
        'aria-label': visible ? common.hidePassword : common.showPassword,
        'aria-hidden': false,
        tabIndex: 0,
      }}
      // The library marks other inputs itself.
      aria-invalid={props.error ? true : undefined}
      {...props}
    />
  )
}

/** Tells password managers whose password a form is about. They ignore inputs of type `hidden`. */
export function AccountName({ email }: { email: string }) {
  return <input type="text" autoComplete="username" value={email} readOnly hidden />
}

const LEVELS: Record<Strength, number> = { tooShort: 1, tooLong: 1, easy: 1, fair: 2, good: 3, strong: 4 }

/** An input for a new password, which says how strong it is. `own` lists words of the account. */
export function NewPasswordField({ own = [], ...props }: PasswordInputProps & { own?: string[] }) {
  const { common, strength: says } = useText()
  const [password, setPassword] = useState('')
  const { passwordMinLength: minLength, passwordMaxLength: maxLength } = settings
  const strength = strengthOf(password, { minLength, maxLength, words: own })
  const words: Record<Strength, string> = {
    ...says,
    tooShort: says.tooShort(minLength - lengthOf(password)),
    tooLong: says.tooLong(maxLength),
  }
  return (
    <PasswordField
      label={common.newPassword}
      autoComplete="new-password"
      onChange={event => setPassword(event.currentTarget.value)}
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      description={
        <>
          <span className="strength" data-level={password === '' ? 0 : LEVELS[strength]} aria-hidden="true">
            <span />
            <span />
            <span />
            <span />
          </span>
          <span aria-live="polite">
            {password === '' ? says.hint(minLength) : `${says.label}: ${words[strength]}`}
          </span>
        </>
      }
      {...props}
    />
  )
}

/** The length in code points, as the server counts. */
export function lengthOf(password: string): number {
  return [...password.normalize('NFKC')].length
}
