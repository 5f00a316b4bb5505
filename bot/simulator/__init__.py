"""The simulated platforms: they speak the real wire protocols on loopback, with the real limits and faults."""
