import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { readStored, writeStored } from '../browser-storage.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { loadPasskeys, useHasPasskeys } from '../passkeys.ts'
import { passkeySuggestion } from '../pending-sign-in.ts'
import { useRecentSignIn } from './confirm-identity.tsx'
import { Notice } from './notice.tsx'
import { Panel } from './panel.tsx'
import { RecoveryCodesDialog } from './recovery-codes.tsx'

const KEY = 'authograph.passkey-offer'
/** After “Not now”, this browser does not ask again for so long. */
const QUIET_MS = 90 * 86_400_000

/** Offers a passkey to people who have just signed in with a password. */
export function PasskeyOffer() {
  const { passkeys: says } = useText()
  const { client } = useAuth()
  const hasPasskeys = useHasPasskeys()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const [closed, setClosed] = useState(false)
  const [codes, setCodes] = useState<readonly string[]>()
  const form = useForm(
    async () => {
      const { addPasskey } = await loadPasskeys()
      const { recoveryCodes } = await withRecentSignIn(() => addPasskey(client), { addsFactor: true })
      if (recoveryCodes) setCodes(recoveryCodes)
      setClosed(true)
    },
    { inputs: [] },
  )
  if (codes) return <RecoveryCodesDialog codes={codes} onDone={() => setCodes(undefined)} />
  if (closed || !hasPasskeys || !isDue()) return null
  return (
    <Panel title={says.offerTitle} lead={says.offerLead}>
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit}>
        <Group gap="sm">
          <Button type="submit" loading={form.busy}>
            {says.add}
          </Button>
          <Button
            variant="default"
            onClick={() => {
              writeStored(KEY, String(Date.now()))
              setClosed(true)
            }}
          >
            {says.notNow}
          </Button>
        </Group>
      </form>
      {dialog}
    </Panel>
  )
}

function isDue(): boolean {
  const quietSince = Number(readStored(KEY) ?? Number.NaN)
  const isQuiet = Date.now() - quietSince < QUIET_MS
  return passkeySuggestion() !== 'NONE' && !isQuiet
}
