import { Providers } from './providers'
import { currentSession } from './session.js'

export const metadata = { title: 'Example' }

export default async function Layout({ children }) {
  const { user } = await currentSession()
  return (
    <html lang="en">
      <body>
        <Providers user={user}>{children}</Providers>
      </body>
    </html>
  )
}
