"""What people do, taken in: who may ask, what they had said just before, and what they changed unheard."""
