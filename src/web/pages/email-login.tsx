import { Button, Text } from '@mantine/core'
import { useLocation } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { MailIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { forgetLinkToken } from '../link-token.ts'
import { settings } from '../page-settings.ts'
import { CardPage } from '../parts/card-page.tsx'
import { Waiting } from '../parts/loading.tsx'
import { Notice } from '../parts/notice.tsx'
import { rememberedReturn } from '../pending-return.ts'
import { withReturnTo } from '../return-to.ts'
import { DeadLink } from './dead-link.tsx'
import { useEmailLink } from './email-link.ts'

/** Signs in with the link in an email, after a click: programs that check emails open their links. */
export function EmailLogin() {
  const { emailLogin, link: linkText } = useText()
  const { client } = useAuth()
  const [, navigate] = useLocation()
  const { token, link, state } = useEmailLink()
  const form = useForm(
    async () => {
      await client.loginWithEmail({ token })
      forgetLinkToken()
      navigate(withReturnTo('/sign-in', rememberedReturn()), { replace: true })
    },
    { inputs: [] },
  )
  if (state === 'loading') return <Waiting />
  if (state !== 'open' || form.refusal?.code === 'TOKEN_INVALID') {
    return (
      <DeadLink missing={state === 'incomplete'}>
        <Text fz={14}>{linkText.askFromSignIn}</Text>
      </DeadLink>
    )
  }
  return (
    <CardPage title={emailLogin.title(settings.appName)} lead={emailLogin.lead} icon={<MailIcon size={22} />}>
      {link && (
        <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
          {link.email}
        </Text>
      )}
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit}>
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {emailLogin.action}
        </Button>
      </form>
    </CardPage>
  )
}
