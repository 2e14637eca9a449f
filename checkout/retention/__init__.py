"""What the shop forgets when, and the months of its orders: made ahead, archived, put back."""
