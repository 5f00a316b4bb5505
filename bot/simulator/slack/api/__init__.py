"""The Web API: its front door, its limits, its methods, and the answers to a press."""
