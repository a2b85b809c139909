"""The process of one trial: measures the cold start, which needs a fresh process, then runs the rest of the trial.

Run as `python -c PRELUDE LOAD SECONDS [ANSWERS]`, where LOAD is the arguments of `foretype.runtime.load` as JSON and
ANSWERS a file of golden answers. It prints one line of JSON: a `Trial`, or {"error": ...}.
"""

import json
import sys
import time
from pathlib import Path

from foretype.runtime import ForetypeError, load
from foretype.runtime.bench.meters import peak_memory

PRELUDE = """
import time
worked, started = time.thread_time(), time.perf_counter()
import foretype.runtime
imported = time.perf_counter()
from foretype.runtime.bench.worker import main
main((imported - started) * 1e3, worked)
"""

FIRST_TEXT = "I would lik"


def main(import_ms: float, worked: float) -> None:
    """Run the trial that the command line asks for.

    import_ms: time to import foretype.runtime. worked: CPU time in seconds that the thread had used before that.
    """
    try:
        start = time.perf_counter()
        model = load(**json.loads(sys.argv[1]))
        loaded = time.perf_counter()
        model.session().suggest(FIRST_TEXT)
        suggested, cpu_ms = time.perf_counter(), (time.thread_time() - worked) * 1e3
        peak = peak_memory()
        # Imported only now, so that it does not count as cold start.
        from dataclasses import asdict, replace

        from foretype.runtime.bench.trial import CPU_CLOCK_IS_COARSE, ColdStart, run_trial

        cold = ColdStart(import_ms, (loaded - start) * 1e3, (suggested - loaded) * 1e3, cpu_ms, peak)
        if CPU_CLOCK_IS_COARSE:
            cold = replace(cold, cpu_ms=cold.milliseconds)
        golden = Path(sys.argv[3]) if len(sys.argv) > 3 else None
        answer = asdict(run_trial(model, cold, float(sys.argv[2]), golden))
    except (ForetypeError, OSError) as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
