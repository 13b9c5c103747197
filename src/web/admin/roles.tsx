import { Checkbox, Stack, VisuallyHidden } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { RoleNamesDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Answer } from '../parts/panel.tsx'
import { useQuery } from '../use-query.ts'

export type RoleChoiceProps = {
  value: string[]
  onChange: (roles: string[]) => void
  /** Where a heading says already what it is. */
  unlabelled?: boolean
}

/** Ticks for every role there is. */
export function RoleChoice({ value, onChange, unlabelled }: RoleChoiceProps) {
  const { users } = useText()
  const { client } = useAuth()
  const query = useQuery('roles', async () => (await client.request(RoleNamesDocument)).roles)
  return (
    <Answer query={query} lines={2}>
      {roles => (
        <Checkbox.Group
          label={unlabelled ? <VisuallyHidden>{users.roles}</VisuallyHidden> : users.roles}
          value={value}
          onChange={onChange}
        >
          <Stack gap={10} mt={8}>
            {roles.map(({ name, description }) => (
              <Checkbox key={name} value={name} label={name} description={description ?? undefined} />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
    </Answer>
  )
}
