"""What stands in for AWS and Meta on a laptop. `chalicelib` knows nothing of it.

    python -m local             the whole stack on http://localhost:8000 (`make run`)
    python -m local.tokens …    bots' tokens, there or on AWS (`make token`, `make tokens`, `make token-revoke`)
    python -m local.replay F    signs and posts the webhook bodies of a JSON-lines file to it (`make replay FILE=F`)

The program
    __main__              runs until Ctrl-C
    environment           the settings of a run: read, made up, and set for its parts
    stack                 the parts put together, in the order in which they start
    running, processes, child
                          what has to be ended again: servers, threads, and children that never outlive their parent
In place of AWS
    queue, queue_rules    an SQS FIFO queue in memory, and what SQS refuses
    sqs                   the same over the protocol of AWS's SDKs
    parameters            what SSM holds: from the environment into moto
    provider              an OpenID provider in place of Cognito
    pump                  hands its messages to `app.deliver`, as Lambda's event source does
In place of Meta
    meta                  what Meta posts: bodies as Meta writes them, signed, in order, repeated when not taken
    graph, graph_rules    what Meta answers: a fake Graph API, and what it refuses
    customers, names, trouble
                          invented people and their threads; the trouble one may order for the next sends
    play                  what happens between a customer's phone and the Page
    simulator             the page on which you play the customer
HTTP
    serving               a small threaded server over the standard library
    proxy                 the one origin, the tunnel's port, and one request at a time for moto
Replaying
    recorded, replay, reckoning
                          recorded bodies, posting them, and what became of them
"""
