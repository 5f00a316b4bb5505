"""One turn, from its questions to its recorded and delivered outcome."""
