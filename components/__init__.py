"""The FeastFlow namespace as components: one ComponentResource a file, pure helpers beside them."""
