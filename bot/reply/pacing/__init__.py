"""Who may call a platform next, and when: the decision (`pace`), the queues (`scopes`), and the pacer over them."""
