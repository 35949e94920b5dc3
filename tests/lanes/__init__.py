"""The runner behind `make test`: every lane is a make target, and their outcome is one table.

Two lanes run side by side; one that fails stops no other, so that one run tells all there is to know.
No test is tried a second time.
"""
