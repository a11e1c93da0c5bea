"""A world to look around in, and clients that show how to talk to the provider."""
