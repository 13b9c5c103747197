/** What the explorer opens with: a first session, to run from top to bottom. */
export const explorerDocument = `# Run these from top to bottom with the buttons beside them.
# Then put the access token into the Headers tab: Authorization: Bearer <accessToken>

mutation Register {
  register(input: { email: "ada@example.com", password: "an engine of brass", tokenTransport: COOKIE }) {
    ... on AuthPayload { accessToken user { id email } }
  }
}

mutation Login {
  login(input: { identifier: "ada@example.com", password: "an engine of brass", tokenTransport: COOKIE }) {
    ... on AuthPayload { accessToken accessTokenExpiresAt }
  }
}

query Me {
  me { id email roles sessions { deviceName current lastUsedAt } }
}

mutation Refresh {
  refreshToken { accessToken accessTokenExpiresAt }
}

mutation Logout {
  logout
}
`
