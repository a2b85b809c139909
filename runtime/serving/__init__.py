"""Answers other programs: JSON-RPC 2.0, one message per line, over standard input, a Unix socket or WebSockets."""
