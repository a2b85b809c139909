"""What one user writes: learned at once, kept in one file on this machine, forgotten on request.

    rules      what of a text may be learned
    learner    which words were typed, and when they count
    store      the file: counts, lists, what was forgotten
    words      the store as a model: probabilities of the next word
    filters    words that are never suggested
    transfer   export and import

`Store` is imported from `foretype.runtime.personal.store` by those who want one: it needs sqlite3.
"""
