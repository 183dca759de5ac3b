"""What pages ask about errors, one question a file."""
