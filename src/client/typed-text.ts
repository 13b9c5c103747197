/** The text of a GraphQL document, typed with its variables and data. */
export type TypedText<Data, Variables> = string & { readonly __apiType?: (variables: Variables) => Data }

/** A test checks that each document has the types of its operation. */
export function typed<Data, Variables>(text: string): TypedText<Data, Variables> {
  return text
}
