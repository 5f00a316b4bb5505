"""What a turn may cost, what it will likely cost, and what it did."""
