import { Button, Group, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Factors, Passkey, User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { KeyIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import type { WithRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { RecoveryCodesDialog } from '../parts/recovery-codes.tsx'
import { RowAction } from '../parts/row-action.tsx'
import { Tag } from '../parts/tag.tsx'
import { loadPasskeys } from '../passkeys.ts'
import { useTimes } from '../times.ts'

type PasskeysPanelProps = {
  factors: Factors
  user: User
  withRecentSignIn: WithRecentSignIn
  reload: () => Promise<void>
}

/** Passkeys and security keys: adding, naming and removing them. */
export function PasskeysPanel({ factors, user, withRecentSignIn, reload }: PasskeysPanelProps) {
  const { passkeys: says } = useText()
  const { client } = useAuth()
  const [renaming, setRenaming] = useState<Passkey>()
  const [codes, setCodes] = useState<readonly string[]>()
  /** Tells the browser about the change, which hides removed passkeys from its list. */
  const changed = async () => {
    await reload()
    await (await loadPasskeys()).signalPasskeys(client, user)
  }
  const attempt = async (run: () => Promise<void>) => {
    await run()
    await changed()
  }
  const add = (securityKey: boolean) =>
    attempt(async () => {
      const { addPasskey } = await loadPasskeys()
      const { recoveryCodes } = await withRecentSignIn(() => addPasskey(client, { securityKey }), {
        addsFactor: true,
      })
      if (recoveryCodes) setCodes(recoveryCodes)
    })
  const adding = useForm(() => add(false), { inputs: [] })
  const addingKey = useForm(() => add(true), { inputs: [] })
  const removal = useForm(
    values => attempt(() => withRecentSignIn(() => client.factors.removePasskey(values('id')))),
    { inputs: [] },
  )
  const rest = useForm(() => attempt(() => withRecentSignIn(() => client.factors.removePassword())), {
    inputs: [],
  })
  const problem = adding.problem ?? addingKey.problem ?? removal.problem ?? rest.problem
  return (
    <Panel
      title={says.title}
      lead={says.lead}
      list={
        factors.passkeys.length > 0 && (
          <PasskeyRows
            passkeys={factors.passkeys}
            action={passkey => (
              <>
                <Button
                  size="xs"
                  variant="default"
                  aria-label={says.renameOf(passkey.name)}
                  onClick={() => setRenaming(passkey)}
                >
                  {says.rename}
                </Button>
                <RowAction form={removal} values={{ id: passkey.id }} label={says.removeOf(passkey.name)}>
                  {says.remove}
                </RowAction>
              </>
            )}
          />
        )
      }
    >
      <Notice kind="problem">{problem}</Notice>
      <Group gap="sm">
        <form onSubmit={adding.onSubmit}>
          <Button type="submit" loading={adding.busy}>
            {says.add}
          </Button>
        </form>
        {factors.hasPassword && (
          <form onSubmit={addingKey.onSubmit}>
            <Button type="submit" variant="default" loading={addingKey.busy}>
              {says.addKey}
            </Button>
          </form>
        )}
        {factors.hasPassword && factors.passkeys.some(({ discoverable }) => discoverable) && (
          <form onSubmit={rest.onSubmit}>
            <Button type="submit" variant="default" loading={rest.busy}>
              {says.removePassword}
            </Button>
          </form>
        )}
      </Group>
      {renaming && (
        <Rename
          passkey={renaming}
          onClose={() => setRenaming(undefined)}
          onRenamed={() => {
            setRenaming(undefined)
            void changed()
          }}
        />
      )}
      {codes && <RecoveryCodesDialog codes={codes} onDone={() => setCodes(undefined)} />}
    </Panel>
  )
}

function PasskeyRows({
  passkeys,
  action,
}: {
  passkeys: readonly Passkey[]
  action: (passkey: Passkey) => React.ReactNode
}) {
  const { passkeys: says } = useText()
  const times = useTimes()
  return (
    <ul className="rows">
      {passkeys.map(passkey => (
        <li key={passkey.id}>
          <span className="row-icon">
            <KeyIcon />
          </span>
          <div className="grow">
            <Text fw={550} fz={15} component="div" style={{ overflowWrap: 'anywhere' }}>
              {passkey.name} {passkey.synced && <Tag color="good">{says.synced}</Tag>}
              {!passkey.discoverable && <Tag>{says.securityKey}</Tag>}
            </Text>
            <Text fz={13} c="dimmed" lh={1.5}>
              {says.added(times.moment(passkey.createdAt))}
              {' · '}
              {passkey.lastUsedAt ? says.used(times.moment(passkey.lastUsedAt)) : says.unused}
            </Text>
          </div>
          <Group gap={8} className="row-actions">
            {action(passkey)}
          </Group>
        </li>
      ))}
    </ul>
  )
}

type RenameProps = { passkey: Passkey; onClose: () => void; onRenamed: () => void }

function Rename({ passkey, onClose, onRenamed }: RenameProps) {
  const { passkeys: says, common } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const form = useForm(
    async values => {
      await client.factors.renamePasskey(passkey.id, values('name'))
      onRenamed()
    },
    { inputs: ['name'], check: values => ({ name: checks.required(values('name')) }) },
  )
  return (
    <Dialog title={says.renameTitle} onClose={onClose} form={form} action={common.save}>
      <TextInput
        name="name"
        label={says.name}
        defaultValue={passkey.name}
        maxLength={100}
        error={form.error('name')}
        data-autofocus
      />
    </Dialog>
  )
}
