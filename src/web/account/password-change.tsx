import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { type Form, useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { AccountName, NewPasswordField, PasswordField } from '../parts/fields.tsx'

/** A form that replaces the password; its inputs are `PasswordInputs`. */
export function usePasswordChange(onChanged: () => void): Form {
  const { failures } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  return useForm(
    async values => {
      await client.changePassword({
        currentPassword: values('currentPassword'),
        newPassword: values('newPassword'),
      })
      onChanged()
    },
    {
      inputs: ['currentPassword', 'newPassword'],
      words: { INVALID_CREDENTIALS: failures.wrongPassword },
      inputOf: { INVALID_CREDENTIALS: 'currentPassword' },
      check: values => ({
        currentPassword: values('currentPassword') === '' ? checks.required('') : undefined,
        newPassword: checks.newPassword(values('newPassword')),
      }),
    },
  )
}

export type PasswordInputsProps = {
  form: Form
  user: User
  /** Puts the focus into the first input when it appears. */
  autoFocus?: boolean
}

export function PasswordInputs({ form, user, autoFocus }: PasswordInputsProps) {
  const { security, common } = useText()
  const own = [user.email, user.username, user.displayName].filter(word => word !== null)
  return (
    <>
      <AccountName email={user.email} />
      <PasswordField
        name="currentPassword"
        label={security.current}
        error={form.error('currentPassword')}
        autoFocus={autoFocus}
        data-autofocus={autoFocus}
      />
      <NewPasswordField
        name="newPassword"
        label={common.newPassword}
        own={own}
        error={form.error('newPassword')}
      />
    </>
  )
}
