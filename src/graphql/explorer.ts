/** The document that the explorer opens with: a first session, from registration to sign-out. */
export const explorerDocument = `# Run these operations from top to bottom.
# After you log in, add the access token to the Headers tab: Authorization: Bearer <accessToken>

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
