"""How a request is read and refused: its parameters, conversation, pictures, thinking and tokens."""
