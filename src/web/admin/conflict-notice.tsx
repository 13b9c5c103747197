import { Button } from '@mantine/core'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import type { Base, FieldName } from './guarded-save.ts'

/** Says what someone else changed in the meantime, and offers to take that over. */
export function ConflictNotice({ base: { conflict, refill } }: { base: Base }) {
  const { user: says } = useText()
  const nameOf = useFieldNames()
  if (!conflict) return null
  const { current, names } = conflict
  const takeOver = ({ currentTarget: { form } }: { currentTarget: HTMLButtonElement }) => {
    refill(current)
    // This button disappears.
    form?.querySelector<HTMLElement>('[type=submit]')?.focus()
  }
  return (
    <Notice kind="warning">
      {says.changedMeanwhile}
      <ul style={{ margin: '6px 0', paddingLeft: 20 }}>
        {names.map(name => {
          const value = written(current[name])
          return (
            <li key={name} style={{ overflowWrap: 'anywhere' }}>
              {value ? says.isNow(nameOf[name], value) : says.isNowEmpty(nameOf[name])}
            </li>
          )
        })}
      </ul>
      <p style={{ margin: '0 0 10px' }}>{says.saveReplaces}</p>
      <Button size="xs" variant="default" onClick={takeOver}>
        {says.useCurrent}
      </Button>
    </Notice>
  )
}

/** The labels of the fields that administrators edit. */
function useFieldNames(): Record<FieldName, string> {
  const { common, users, user: says, metadata } = useText()
  return {
    email: common.email,
    emailVerified: says.verify,
    username: common.username,
    displayName: common.displayName,
    locale: common.language,
    roles: users.roles,
    publicMetadata: metadata.publicMetadata,
    privateMetadata: metadata.privateMetadata,
  }
}

function written(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ')
  return typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value)
}
