"""Where the rows of each kind come from, one module a subject. Pure reading; memory does not grow with the number of rows."""
