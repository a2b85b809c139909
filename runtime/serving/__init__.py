"""Answers other programs: JSON-RPC 2.0, one message per line, over standard input or a Unix socket."""
