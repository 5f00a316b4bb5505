"""One request to the API: its body, the connection, the stream read back, and its failures as our errors."""
