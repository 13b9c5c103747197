// A chunk of its own: the build puts what the scripts of several HTML files import into a file that all pages load.
void import('./graphiql.tsx')
