"""How Samenspel is run: here without Docker (`local`), or on one machine with it (`compose`)."""
