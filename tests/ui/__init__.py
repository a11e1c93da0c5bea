"""The pages in front of a provider that is a fake, and in a real browser."""
