"""The life of a turn: which one goes next, how many at once, and how one that runs is ended early."""
