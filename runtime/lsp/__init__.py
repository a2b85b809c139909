"""The language server: words, ghost text and corrections for every editor that speaks the Language Server Protocol."""
