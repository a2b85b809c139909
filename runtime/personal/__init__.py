"""The personal store: learns what one user writes, keeps it in one local file, and forgets it on request.

    learning/         what may be learned, and when a typed word counts
    store             the file: counts, lists, and what was forgotten
    counting, rows    how words are counted, and how the tables are read
    database, schema  the SQLite file and its tables; repair and upkeep mend and shrink it
    personal_session  what one session learns from and adds to
    personal_model    the store as a model: probabilities of the next word
    export            export and import

Import `Store` from `foretype.runtime`. It is not imported here because it needs sqlite3.
"""
