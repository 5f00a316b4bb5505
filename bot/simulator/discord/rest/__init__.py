"""The REST API: its front door, its limits, its routes, and the bodies they take."""
