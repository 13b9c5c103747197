/** Appends an example to a description. Sandbox shows the example, and a test runs it. */
export function withExample(description: string, example: string): string {
  return `${description}\n\n\`\`\`graphql\n${example.trim()}\n\`\`\``
}
