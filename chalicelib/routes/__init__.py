"""HTTP: each route parses, makes one call, and answers.

`web` holds what all routes share: who may call, the shape of errors, the mapping of our errors to status codes.
`fields` checks what comes in, `bodies` says what each route takes, `shapes` what answers look like.
"""

from chalicelib.routes import conversations, graph, webhook

BLUEPRINTS = (webhook.routes, conversations.routes, graph.routes)

__all__ = ["BLUEPRINTS"]
