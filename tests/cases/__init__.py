"""The reproductions of faults that were reported from outside."""
