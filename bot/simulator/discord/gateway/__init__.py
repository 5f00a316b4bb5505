"""The gateway: its connections, and the sessions that outlive them."""
