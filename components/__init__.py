"""The FeastFlow namespace as components: one ComponentResource a file, with pure helpers."""
