"""Data of a running stack: which copies there are, what proves them, restores beside it, imports."""
