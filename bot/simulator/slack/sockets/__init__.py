"""Socket Mode: the connections, and the events that go through them."""
