"""The typing pad."""
