import { Text, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { InviteUserDocument } from '../generated/graphql.ts'
import { useLanguage } from '../language.tsx'
import { BulkDialog } from './bulk-dialog.tsx'
import { DEFAULT_ROLE } from './invite.tsx'
import { RoleChoice } from './role-choice.tsx'

/** Enough for a department. More are better imported from a file. */
export const INVITATIONS_MAX = 200
const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** Addresses as people copy them from a list or an email program: `Ada <ada@example.com>, grace@example.com`. */
export function addressesIn(text: string): { addresses: string[]; wrong: string[] } {
  const words = text
    .replace(/"[^"]*"/g, '')
    .split(/[\n,;]/)
    .flatMap(entry => /<([^<>]*)>/.exec(entry)?.[1] ?? entry.split(/\s+/))
    .map(word => word.trim())
    .filter(word => word !== '')
  const unique = [...new Map(words.map(word => [word.toLowerCase(), word])).values()]
  return {
    addresses: unique.filter(word => ADDRESS.test(word)),
    wrong: unique.filter(word => !ADDRESS.test(word)),
  }
}

export type InviteManyProps = { onClose: () => void; onDone: (message: string | undefined) => void }

/** Invites several people, one address a line. */
export function InviteMany({ onClose, onDone }: InviteManyProps) {
  const { tag, text } = useLanguage()
  const { client, user } = useAuth()
  const mayGrant = user?.permissions.includes('roles:write') === true
  const [roles, setRoles] = useState<string[]>([DEFAULT_ROLE])
  const { bulk: says, users, checks } = text
  return (
    <BulkDialog
      title={says.inviteTitle}
      action={users.inviteAction}
      inputs={['addresses']}
      check={values => {
        const { addresses, wrong } = addressesIn(values('addresses'))
        if (wrong.length > 0) return { addresses: says.wrongAddresses(wrong.slice(0, 5).join(', ')) }
        if (addresses.length === 0) return { addresses: checks.required }
        return { addresses: addresses.length > INVITATIONS_MAX ? says.tooMany(INVITATIONS_MAX) : undefined }
      }}
      items={values => addressesIn(values('addresses')).addresses}
      run={email =>
        client.request(InviteUserDocument, { input: { email, locale: tag, ...(mayGrant && { roles }) } })
      }
      nameOf={email => email}
      words={{ EMAIL_TAKEN: says.hasAccount }}
      onClose={onClose}
      onEnd={({ done, failed, left }) =>
        onDone(failed.length + left.length === 0 ? says.actions.invite.done(done) : undefined)
      }
    >
      {error => (
        <>
          <Text fz={14}>{says.inviteLead}</Text>
          <Textarea
            name="addresses"
            label={says.addresses}
            description={says.addressesHint}
            rows={6}
            spellCheck={false}
            autoComplete="off"
            error={error('addresses')}
            data-autofocus
          />
          {mayGrant && <RoleChoice value={roles} onChange={setRoles} />}
        </>
      )}
    </BulkDialog>
  )
}
