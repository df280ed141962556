"""Files that leave the portal with a pack and share no code with it."""
