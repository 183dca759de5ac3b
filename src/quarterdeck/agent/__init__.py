"""The agent: tells a server how a machine is doing, and what stands in its log files.

    host, system, processes    what there is to tell, as OTLP (also used by `serve` for its own machine)
    files, lines, records      log files followed, joined to events, turned into records
    buffer, send               kept on disk until the server has it
    config, run                the options, and the threads that do all of it

It is a customer of the server: it knows nothing of its insides, and imports little, because
it runs on every machine.
"""
