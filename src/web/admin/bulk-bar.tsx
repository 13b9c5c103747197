import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { type BulkAction, bulkActions } from './bulk-actions.tsx'
import { BulkDialog } from './bulk-dialog.tsx'
import { EXACT_MAX } from './list-range.ts'
import { nameOf } from './names.tsx'
import type { Row } from './people-query.ts'
import type { Selection } from './use-selection.ts'

/** The most names that a confirmation lists. */
const NAMES_SHOWN = 3

const isOffered = ({ needsMail }: BulkAction) => settings.mail || needsMail !== true

/** The permissions, one of which is enough to select people, as the attribute `data-needs`. */
export const NEEDED_TO_SELECT = [
  ...new Set(bulkActions.filter(isOffered).map(({ permission }) => permission)),
].join(' ')

/** The actions that the viewer may take on several people. */
export function useBulkActions(): BulkAction[] {
  const { user } = useAuth()
  return bulkActions.filter(action => user?.permissions.includes(action.permission) && isOffered(action))
}

export type BulkBarProps = {
  selection: Selection<Row>
  /** The number of people that match the filters. */
  total: number
  /** Everyone who matches the filters. */
  everyone: () => AsyncGenerator<Row[]>
  /** Called after an action with what it did. */
  onDone: (message: string | undefined) => void
}

/** How many people are selected, and what to do with them. */
export function BulkBar({ selection, total, everyone, onDone }: BulkBarProps) {
  const { bulk: says } = useText()
  const actions = useBulkActions()
  const [action, setAction] = useState<BulkAction>()
  const [collecting, setCollecting] = useState(false)
  const { items } = selection

  async function selectAll() {
    setCollecting(true)
    try {
      const found: Row[] = []
      for await (const page of everyone()) {
        found.push(...page)
        if (found.length >= EXACT_MAX) break
      }
      selection.replace(found)
    } finally {
      setCollecting(false)
    }
  }

  return (
    <section
      className="bulk"
      aria-label={says.title}
      data-empty={items.length === 0 || undefined}
      data-needs={NEEDED_TO_SELECT}
    >
      <Text fz={14} fw={550} role="status">
        {items.length > 0 && says.selected(items.length)}
      </Text>
      {items.length > 0 && (
        <Group gap={8}>
          {actions.map(each => (
            <Button
              key={each.name}
              size="xs"
              variant={each.danger ? 'light' : 'default'}
              {...(each.danger && { color: 'red' })}
              onClick={() => setAction(each)}
            >
              {says.actions[each.name].action}
            </Button>
          ))}
          {items.length < total && total <= EXACT_MAX && (
            <Button size="xs" variant="subtle" loading={collecting} onClick={() => void selectAll()}>
              {says.selectAll(total)}
            </Button>
          )}
          <Button size="xs" variant="subtle" onClick={() => selection.replace([])}>
            {says.clear}
          </Button>
        </Group>
      )}
      {action && (
        <Confirmation
          action={action}
          people={items}
          onClose={() => setAction(undefined)}
          onEnd={(left, message) => {
            setAction(undefined)
            selection.replace(left)
            onDone(message)
          }}
        />
      )}
    </section>
  )
}

type ConfirmationProps = {
  action: BulkAction
  people: Row[]
  onClose: () => void
  /** `left` are those for whom the action failed or was not tried. */
  onEnd: (left: Row[], message: string | undefined) => void
}

function Confirmation({ action, people, onClose, onEnd }: ConfirmationProps) {
  const text = useText()
  const { client } = useAuth()
  const says = text.bulk
  const words = says.actions[action.name]
  // What is removed from the selection meanwhile stays what was confirmed.
  const [chosen] = useState(people)
  const { Fields, check } = action
  const shown = chosen.slice(0, NAMES_SHOWN).map(nameOf).join(', ')
  return (
    <BulkDialog
      title={words.title(chosen.length)}
      action={words.action}
      danger={action.danger}
      inputs={action.inputs ?? []}
      {...(check && { check: values => check(values, chosen, text) })}
      items={() => chosen}
      run={(person, values) => action.run(client, person, values)}
      nameOf={nameOf}
      onClose={onClose}
      onEnd={({ done, failed, left }) =>
        onEnd(
          [...failed.map(({ item }) => item), ...left],
          done > 0 && failed.length + left.length === 0 ? words.done(done) : undefined,
        )
      }
    >
      {error => (
        <>
          <Text fz={14}>{words.lead}</Text>
          <Text fz={14} style={{ overflowWrap: 'anywhere' }}>
            {chosen.length > NAMES_SHOWN ? says.andMore(shown, chosen.length - NAMES_SHOWN) : shown}
          </Text>
          {Fields && <Fields people={chosen} error={error} />}
        </>
      )}
    </BulkDialog>
  )
}
