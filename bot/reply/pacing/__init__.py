"""Who may call a platform next, and when: the decision as functions on values, and the pacer that carries it out."""
