"""Pinned command line tools for a machine that lacks them, and the habits every command here shares."""
