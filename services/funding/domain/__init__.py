"""The rules of funding: pure functions over programmes, applications and decisions (Awb title 4.2)."""
