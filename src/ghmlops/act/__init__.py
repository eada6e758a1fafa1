"""Effects out: files, step outputs, git and GitHub. Imports neither `measure` nor `report`."""
