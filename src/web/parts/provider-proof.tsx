import { Text } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { providerOf, returning } from '../providers.ts'
import { useQuery } from '../use-query.ts'
import { Answer } from './panel.tsx'
import { ProviderChoice } from './provider-buttons.tsx'

/** Signs in again with a connected service, and comes back to this page. */
export function ProviderProof() {
  const { providers } = useText()
  const { client } = useAuth()
  const query = useQuery('identities', () => client.providers.identities())
  return (
    <>
      <Text fz={14}>{providers.proofLead}</Text>
      <Answer query={query} lines={1}>
        {identities => (
          <ProviderChoice
            providers={[...new Set(identities.map(({ provider }) => provider))].map(providerOf)}
            go={id => client.providers.reauthenticate(id, returning('reauthenticate', id))}
          />
        )}
      </Answer>
    </>
  )
}
