import { PasswordInput, type PasswordInputProps, TextInput, type TextInputProps } from '@mantine/core'
import { useState } from 'react'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { usePasswordCheck } from '../password-check.ts'
import { serverText } from '../problems.ts'

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

const LEVELS = { FAIR: 2, GOOD: 3, STRONG: 4 }

/** An input for a new password, which says what the server would say to it. `own` lists words of the account. */
export function NewPasswordField({ own = [], ...props }: PasswordInputProps & { own?: string[] }) {
  const text = useText()
  const [password, setPassword] = useState('')
  const { level, says } = useVerdict(password, own)
  return (
    <PasswordField
      label={text.common.newPassword}
      autoComplete="new-password"
      onChange={event => setPassword(event.currentTarget.value)}
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      description={
        <>
          <span className="strength" data-level={level} aria-hidden="true">
            <span />
            <span />
            <span />
            <span />
          </span>
          {/* Not what the error above says already. */}
          <span aria-live="polite">
            {says === props.error ? text.strength.hint(settings.passwordMinLength) : says}
          </span>
        </>
      }
      {...props}
    />
  )
}

/** How many bars to show for a password, from 0 to 4, and what to say of it. */
function useVerdict(password: string, own: string[]): { level: number; says: string } {
  const text = useText()
  const { strength: says } = text
  const { passwordMinLength: minLength, passwordMaxLength: maxLength } = settings
  const length = lengthOf(password)
  const fits = length >= minLength && length <= maxLength
  const check = usePasswordCheck(
    fits ? password : undefined,
    own.filter(word => word !== ''),
  )
  if (password === '') return { level: 0, says: says.hint(minLength) }
  if (length < minLength) return { level: 1, says: says.tooShort(minLength - length) }
  if (length > maxLength) return { level: 1, says: says.tooLong(maxLength) }
  if (!check) return { level: 0, says: says.hint(minLength) }
  if (check.strength) return { level: LEVELS[check.strength], says: `${says.label}: ${says[check.strength]}` }
  return {
    level: 1,
    says: check.problems.map(problem => serverText(text, problem) ?? text.errors.BAD_USER_INPUT).join(' '),
  }
}

/** The length in code points, as the server counts. */
function lengthOf(password: string): number {
  return [...password.normalize('NFKC')].length
}
