@rem Windows has no exec. Elsewhere npm scripts begin with it so that signals reach the program and not only the shell.
@rem It has no env either, and no use for the variable: both are left out.
@for /f "tokens=2,*" %%a in ("%*") do @%%b
