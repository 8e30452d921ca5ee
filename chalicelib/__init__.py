"""Human in the loop for Messenger bots: see docs/architecture.md for the map of these modules."""

import logging

VERSION = "0.1.0"

# PynamoDB tells at its import, at the level of news, that it found no settings of its own.
logging.getLogger("pynamodb").setLevel(logging.WARNING)
