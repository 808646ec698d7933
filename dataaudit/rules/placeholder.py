"""The mark of what an author has yet to fill in."""

PLACEHOLDER = "FILL IN:"
"""What the texts begin with that `rules new` leaves to its user; a pack that holds one is refused."""
