import { Checkbox, Stack, VisuallyHidden } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { RoleListDocument, type RoleListQuery } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import type { Messages } from '../locales/en.ts'
import { Answer } from '../parts/panel.tsx'
import { type Query, useQuery } from '../use-query.ts'

export type Role = RoleListQuery['roles'][number]

/** All roles of this server. */
export function useRoles(): Query<Role[]> {
  const { client } = useAuth()
  return useQuery('roles', async () => (await client.request(RoleListDocument)).roles)
}

/** The description of a role. Those of built-in roles are in the language of the page. */
export function descriptionOf({ roles }: Messages, { name, description, builtIn }: Role): string | undefined {
  const own = builtIn ? (roles.builtIn as Partial<Record<string, string>>)[name] : undefined
  return own ?? description ?? undefined
}

export type RoleChoiceProps = {
  value: string[]
  onChange: (roles: string[]) => void
  /** Hides the label, for a place under a heading. */
  unlabelled?: boolean
}

/** A checkbox for each role. */
export function RoleChoice(props: RoleChoiceProps) {
  return <RoleChecklist query={useRoles()} {...props} />
}

/** The same for a page that needs the roles itself. */
export function RoleChecklist({
  query,
  value,
  onChange,
  unlabelled,
}: RoleChoiceProps & { query: Query<Role[]> }) {
  const text = useText()
  const label = text.users.roles
  return (
    <Answer query={query} lines={2}>
      {roles => (
        <Checkbox.Group
          label={unlabelled ? <VisuallyHidden>{label}</VisuallyHidden> : label}
          labelProps={unlabelled ? { style: { position: 'absolute' } } : {}}
          value={value}
          onChange={onChange}
        >
          <Stack gap={10} mt={8}>
            {roles.map(role => (
              <Checkbox
                key={role.name}
                value={role.name}
                label={role.name}
                description={descriptionOf(text, role)}
              />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
    </Answer>
  )
}
