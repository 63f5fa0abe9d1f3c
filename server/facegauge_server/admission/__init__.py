"""Who may use the workers next: slots, and the fair queue before them."""
