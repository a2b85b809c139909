"""A process that types on request and answers with the time of each keystroke.

Run as `python -P -c SOURCE LOAD CLOCK`, with the source of this file, so that it also runs with other versions of
Foretype: it uses nothing but `load`, `session` and `suggest`. LOAD: the arguments of `foretype.runtime.load` as JSON.
CLOCK: "thread_time_ns" or "perf_counter_ns". Each line on standard input is a text, as a JSON string. The answer is one
line, a JSON list of the nanoseconds after each character. The first line it writes is the version of Foretype.
"""

import json
import sys
import time


def main() -> None:
    """Type each text of standard input in a fresh session."""
    from importlib.metadata import version

    from foretype.runtime import load

    model = load(**json.loads(sys.argv[1]))
    clock = getattr(time, sys.argv[2])
    print(json.dumps(version("foretype")), flush=True)
    for line in sys.stdin:
        text, times, session = json.loads(line), [], model.session()
        for end in range(1, len(text) + 1):
            before = text[:end]
            start = clock()
            session.suggest(before)
            times.append(clock() - start)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
