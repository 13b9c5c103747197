import { Button, Text, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { SetMetadataDocument, type UserPageQuery } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'

type Subject = NonNullable<UserPageQuery['user']>
type MetadataProps = { user: Subject; manage: boolean; reload: () => Promise<void> }

const NAMES = ['publicMetadata', 'privateMetadata'] as const
const LINES_MAX = 16

/** The data that applications store with an account, as JSON. */
export function Metadata({ user, manage, reload }: MetadataProps) {
  const { metadata: says, common } = useText()
  const { client } = useAuth()
  const [saved, setSaved] = useState(false)
  const form = useForm(
    async values => {
      setSaved(false)
      // Only what was edited, so that newer values of the rest stay.
      const changed = NAMES.filter(name => values(name) !== written(user[name]))
      const input = Object.fromEntries(changed.map(name => [name, objectIn(values(name))]))
      if (changed.length > 0) await client.request(SetMetadataDocument, { id: user.id, input })
      setSaved(true)
      await reload()
    },
    {
      inputs: [...NAMES],
      check: values =>
        Object.fromEntries(NAMES.map(name => [name, objectIn(values(name)) ? undefined : says.noObject])),
    },
  )
  const [publicly, privately] = NAMES.map(name => written(user[name]))
  if (!manage && publicly === '{}' && privately === '{}') return null
  return (
    <Panel title={says.title} lead={says.lead}>
      {manage ? (
        <form onSubmit={form.onSubmit} noValidate className="stack" style={{ maxWidth: 'none' }}>
          <div className="two">
            {NAMES.map(name => (
              <Textarea
                // A new key shows the saved text.
                key={`${name} ${written(user[name])}`}
                name={name}
                label={says[name]}
                description={says.of[name]}
                defaultValue={written(user[name])}
                rows={Math.min(LINES_MAX, written(user[name]).split('\n').length + 2)}
                autoComplete="off"
                spellCheck={false}
                error={form.error(name)}
                classNames={{ input: 'code-input' }}
              />
            ))}
          </div>
          <Notice kind="problem">{form.problem}</Notice>
          <Notice kind="success">{saved && !form.problem && common.saved}</Notice>
          <Button type="submit" variant="default" loading={form.busy} style={{ alignSelf: 'flex-start' }}>
            {common.save}
          </Button>
        </form>
      ) : (
        NAMES.map(name => (
          <div key={name}>
            <Text fz={14} fw={550}>
              {says[name]}
            </Text>
            <Text fz={13} className="mono">
              {written(user[name])}
            </Text>
          </div>
        ))
      )}
    </Panel>
  )
}

function written(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

/** The JSON object in a text; undefined if it is none. */
function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
