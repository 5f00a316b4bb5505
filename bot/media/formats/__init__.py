"""What a file is, by its bytes alone, before anything is decoded."""
