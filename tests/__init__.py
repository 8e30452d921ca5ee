"""The tests: a file for each module, the fakes and servers that they use, and the project's own rules."""
