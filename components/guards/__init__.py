"""Guards of a namespace: admission policies, and what is refused before anything is touched."""
