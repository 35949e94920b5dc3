"""Series for each alert: of its cause, of a healthy stack that looks alike, of moments that are no alert."""
