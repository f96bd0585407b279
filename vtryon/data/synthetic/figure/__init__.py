"""The drawn person: body, arms, face, hair, and lower body."""
