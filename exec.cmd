@rem Windows has no exec. Elsewhere npm scripts begin with it so that signals reach the program and not only the shell.
@%*
