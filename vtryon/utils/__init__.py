"""What several rooms share; imports nothing else of vtryon."""
