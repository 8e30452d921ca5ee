"""What tries to break the core: acts, all that may happen between them, and what must hold whatever happens.

    world.py       everything that outlives a process: tables, queue, Meta, the bot, the clock, and what was witnessed
    steps.py       a process is a chain of calls to the outside; here they are interleaved, cut off or made to fail
    acts.py        what can happen: a webhook, a letter, a request, each on its own
    invariants.py  what must hold
    machine.py     the Hypothesis state machine that draws acts and troubles
    races.py       many acts at once, by seeds, on the fake and on DynamoDB Local
    scenes.py      acts that meet in one certain way, for guards that chance would show too rarely
    guards.py      every guard of the program, and the program without it; voices.py those of who may speak
    workers.py     races and guards in several processes side by side
    __main__.py    all of it at full size: `make prove`

To add an act, write one class in `acts.py` and list it in `ACTS`: the machine, the races and the guards then draw it.
To add something that must hold, write one function in `invariants.py` and list it in `ALWAYS` (true after any act) or
`AT_REST` (true once everything that was begun is done). What it needs to know of the past belongs into
`world.Witness`, which notes only what somebody outside could have seen. To add a guard, add one line to
`guards.GUARDS`; until something catches its absence, `make prove` fails. Where the races catch it
rarely, write it a scene.
"""
