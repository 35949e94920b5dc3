"""What a pull request would change in each stack, told in one comment; the way from main to the clusters."""
