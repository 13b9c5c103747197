import { Anchor, Button, Checkbox, Group, TextInput } from '@mantine/core'
import { Link } from 'wouter'
import type { Form } from '../forms.ts'
import { useVisitorSearch } from '../hydration.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { PasswordField } from '../parts/fields.tsx'
import { withReturnTo } from '../return-to.ts'

type SignInFormProps = {
  form: Form
  /** The email address or username that was typed. */
  name: string
  onName: (name: string) => void
}

export function SignInForm({ form, name, onName }: SignInFormProps) {
  const search = useVisitorSearch()
  const { signIn } = useText()
  return (
    <form onSubmit={form.onSubmit} method="post" noValidate className="stack">
      <TextInput
        name="identifier"
        label={signIn.identifier}
        autoComplete={settings.passkeys ? 'username webauthn' : 'username'}
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        required
        withAsterisk={false}
        error={form.error('identifier')}
        defaultValue={name}
        onChange={event => onName(event.currentTarget.value)}
        size="md"
      />
      <PasswordField name="password" error={form.error('password')} size="md" />
      <Group justify="space-between" gap="xs">
        <Checkbox name="remember" label={signIn.remember} defaultChecked size="sm" />
        {settings.mail && (
          <Anchor
            renderRoot={props => (
              <Link {...props} href={withReturnTo('/forgot-password', search)} state={{ email: name }} />
            )}
            fz={14}
            underline="always"
          >
            {signIn.forgot}
          </Anchor>
        )}
      </Group>
      <Button type="submit" size="md" fullWidth loading={form.busy}>
        {signIn.action}
      </Button>
    </form>
  )
}
