"""How Samenspel is run: here without Docker (`local`), on one machine with it, on many with Kubernetes."""
