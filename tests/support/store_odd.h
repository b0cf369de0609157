/*
 * A store that is not what it should be, in ways that real servers have: a decorator over another
 * store, which it borrows. Its create-only puts vouch for nothing (create_is_atomic is false).
 */
#ifndef CAIRN_TESTS_STORE_ODD_H
#define CAIRN_TESTS_STORE_ODD_H

#include <cairn/store.h>

typedef enum store_odd_quirk {
    STORE_ODD_IGNORES_CREATE = 1 << 0,    /* a create-only put replaces */
    STORE_ODD_LOOKS_THEN_PUTS = 1 << 1,   /* with a millisecond in between */
    STORE_ODD_REFUSES_CREATE = 1 << 2,    /* CAIRN_E_INCOMPATIBLE */
    STORE_ODD_LOSER_REPLACES = 1 << 3,    /* who is refused while another put runs has replaced */
    STORE_ODD_REFUSED_REPLACES = 1 << 4,  /* who is refused has replaced */
    STORE_ODD_DENIES_WRITES = 1 << 5,     /* puts and deletes: CAIRN_E_ACCESS */
    STORE_ODD_DENIES_DELETES = 1 << 6,    /* CAIRN_E_ACCESS */
    STORE_ODD_DENIES_LISTS = 1 << 7,      /* CAIRN_E_ACCESS */
    STORE_ODD_HIDES_ABSENCE = 1 << 8,     /* what is missing is CAIRN_E_ACCESS */
    STORE_ODD_DELETES_NOTHING = 1 << 9,   /* and says OK */
    STORE_ODD_MISSES_DELETES = 1 << 10,   /* deleting what is missing is CAIRN_E_NOT_FOUND */
    STORE_ODD_LISTS_ONE_PAGE = 1 << 11,   /* and no more */
    STORE_ODD_LISTS_TWICE = 1 << 12,      /* the last object of each page */
    STORE_ODD_KEEPS_OLD = 1 << 13,        /* a replaced object is read as it was, a put says OK */
    STORE_ODD_SHORT_RANGES = 1 << 14,     /* a range beyond the end is OK */
    STORE_ODD_CLOCK_BEHIND = 1 << 15,     /* by an hour */
    STORE_ODD_REFUSES_BLANKS = 1 << 16,   /* keys with a blank are CAIRN_E_INVALID */
    STORE_ODD_LOSES_OBJECTS = 1 << 17,    /* puts say OK and do nothing */
    STORE_ODD_EXAMINES = 1 << 18,         /* has findings of its own: "odd", for good */
    STORE_ODD_FAILS_TO_EXAMINE = 1 << 19, /* tries, and fails with CAIRN_E_ACCESS */
    STORE_ODD_THROTTLES = 1 << 20,        /* puts: CAIRN_E_UNAVAILABLE, not before a minute */
    /* looks when a body that halts begins to arrive, and puts when it ended; all else is right */
    STORE_ODD_LOOKS_AT_BEGIN = 1 << 21
} store_odd_quirk;

#define STORE_ODD_RETRY_AFTER_MS 60000

/* `quirks` are or'ed. */
cairn_code store_odd_new(cairn_store *inner, unsigned quirks, cairn_store **out, cairn_error *err);

#endif
