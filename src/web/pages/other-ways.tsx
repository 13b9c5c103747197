import { Button, Divider } from '@mantine/core'
import { useCallback, useEffect, useRef } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useVisitorSearch } from '../hydration.ts'
import { KeyIcon, MailIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Notice } from '../parts/notice.tsx'
import { ProviderButtons } from '../parts/provider-buttons.tsx'
import { loadPasskeys, useHasPasskeys } from '../passkeys.ts'
import { continueSignIn } from '../pending-sign-in.ts'
import { withReturnTo } from '../return-to.ts'

/**
 * Offers passkeys in the autofill of the address.
 * @returns a function that stops it, which must be called before another passkey dialog opens
 */
export function usePasskeyAutofill(): () => void {
  const { client } = useAuth()
  const hasPasskeys = useHasPasskeys()
  const stop = useRef(() => {})
  useEffect(() => {
    if (!hasPasskeys) return
    let gone = false
    void loadPasskeys().then(({ offerPasskeys }) => {
      if (gone) return
      // The form says what is wrong when the person uses it. An offer that fails leaves it as it is.
      stop.current = offerPasskeys(client, { onResult: continueSignIn })
    })
    return () => {
      gone = true
      stop.current()
    }
  }, [client, hasPasskeys])
  return useCallback(() => stop.current(), [])
}

type OtherWaysProps = {
  beforePasskey: () => void
  /** Whether other services are among them. */
  providers: boolean
}

/** The ways to sign in without a password. */
export function OtherWays({ beforePasskey, providers }: OtherWaysProps) {
  const { passkeys, emailLogin } = useText()
  const { client } = useAuth()
  const form = useForm(
    async () => {
      beforePasskey()
      const { loginWithPasskey } = await loadPasskeys()
      continueSignIn(await loginWithPasskey(client))
    },
    { inputs: [] },
  )
  const search = useVisitorSearch()
  const hasPasskeys = useHasPasskeys()
  const hasProviders = providers && settings.providers.length > 0
  if (!hasPasskeys && !settings.emailLogin && !hasProviders) return null
  return (
    <>
      <Divider label={passkeys.or} />
      <Notice kind="problem">{form.problem}</Notice>
      {hasPasskeys && (
        <form onSubmit={form.onSubmit} method="post">
          <Button
            type="submit"
            variant="default"
            size="md"
            fullWidth
            loading={form.busy}
            leftSection={<KeyIcon />}
          >
            {passkeys.signIn}
          </Button>
        </form>
      )}
      {settings.emailLogin && (
        <Button
          component={Link}
          href={withReturnTo('/email-login', search)}
          variant="default"
          size="md"
          fullWidth
          leftSection={<MailIcon />}
        >
          {emailLogin.offer}
        </Button>
      )}
      {hasProviders && <ProviderButtons />}
    </>
  )
}
