import { Button, Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { returnFocus } from '../forms.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import type { UserDetails, UserPanelProps } from './user-details.ts'
import { ResetFactorsDialog } from './user-factors-dialog.tsx'

/** The second factors of an account, which administrators can remove for an owner who has lost them. */
export function UserFactors({ user, reload }: UserPanelProps) {
  const { user: ofUser } = useText()
  const says = ofUser.factors
  const { user: viewer } = useAuth()
  const [asking, setAsking] = useState(false)
  const [done, setDone] = useState(false)
  const place = useRef<HTMLDivElement>(null)
  // The button that opened the dialog is gone with the factors.
  useEffect(() => {
    if (done) returnFocus(place.current)
  }, [done])
  const mayReset =
    hasAny(user) && viewer?.id !== user.id && viewer?.permissions.includes('users:factors') === true
  return (
    <Panel title={says.title}>
      <div ref={place} tabIndex={-1} className="notices">
        <Notice kind="success">{done && says.done}</Notice>
      </div>
      <Factors user={user} />
      {mayReset && (
        <div>
          <Text fz={14} mb={10}>
            {says.resetLead}
          </Text>
          <Button
            color="red"
            variant="light"
            onClick={() => {
              setDone(false)
              setAsking(true)
            }}
          >
            {says.reset}
          </Button>
        </div>
      )}
      {asking && (
        <ResetFactorsDialog
          user={user}
          onClose={() => setAsking(false)}
          onDone={async () => {
            await reload()
            setAsking(false)
            setDone(true)
          }}
        />
      )}
    </Panel>
  )
}

/** Recovery codes alone are no second factor, but a reset removes them, too. */
function hasAny({ hasTotp, passkeys, recoveryCodesLeft }: UserDetails): boolean {
  return hasTotp || passkeys.length > 0 || recoveryCodesLeft > 0
}

function Factors({ user }: { user: UserDetails }) {
  const { user: ofUser, common } = useText()
  const says = ofUser.factors
  const names = (discoverable: boolean) =>
    user.passkeys
      .filter(passkey => passkey.discoverable === discoverable)
      .map(({ name }) => name)
      .join(', ') || common.none
  const rows = {
    [says.atSignIn]: user.secondFactorRequired ? says.required : says.notRequired,
    [says.totp]: user.hasTotp ? says.totpSet : common.none,
    [says.passkeys]: names(true),
    [says.securityKeys]: names(false),
    [says.recoveryCodes]: user.recoveryCodesLeft > 0 ? says.codesLeft(user.recoveryCodesLeft) : common.none,
    [says.trusted]: user.trustedDevices.length || common.none,
  }
  return (
    <dl className="facts">
      {Object.entries(rows).map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd style={{ overflowWrap: 'anywhere' }}>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
