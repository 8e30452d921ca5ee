"""The emulated AWS that the tests deploy to."""
