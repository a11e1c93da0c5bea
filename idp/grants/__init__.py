"""What subjects allowed clients: grants and remembered consent."""
