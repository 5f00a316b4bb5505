"""What each model can do and what it costs, as two tables with their dates."""
