"""Programs that develop and operate the stacks: the commands of make, each room a package."""
