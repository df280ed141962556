"""The readers of the controls: each goes through the whole population of a window, row by row. Pure reading."""
