/** A description that ends in an example, which Sandbox shows and a test runs as it stands. */
export function withExample(description: string, example: string): string {
  return `${description}\n\n\`\`\`graphql\n${example.trim()}\n\`\`\``
}
