"""What is answered: the reply as scripted or made, its message, and its stream."""
