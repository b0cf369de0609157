/*
 * Keyed state of each kind that is started again from a snapshot, with nothing opened, so that its
 * states are opened with another serializer or time to live than they were written with.
 */
#ifndef CAIRN_TESTS_FORM_WORLD_H
#define CAIRN_TESTS_FORM_WORLD_H

#include "state_world.h"

#include <stdatomic.h>

#define FORM_PAIRS 8 /* of a key and a namespace */
#define FORM_KINDS STATE_KINDS

typedef struct form_world {
    const state_engine_kind *kind;
    tmpdir *dir;
    unsigned folders;
    state_engine *engine;
    keyed_state *states;
    _Atomic uint64_t now_ms; /* compactions ask for it too */
} form_world;

/* Runs `test` on a new world of each engine. */
void form_on_each_engine(void (*test)(form_world *w));

/* Makes a cmocka test of it. */
#define FORM_ON_EACH_ENGINE(name, test) \
    static void name(void **state)      \
    {                                   \
        (void)state;                    \
        form_on_each_engine(test);      \
    }

/* Goes on from a snapshot alone. */
void form_restart(form_world *w);

/* The one state of each kind. */
extern const char *const form_names[FORM_KINDS];

/* With values by serializer "text" of a version. */
cairn_state_descriptor form_describe(cairn_state_kind kind, uint32_t version);
cairn_code form_try_open(form_world *w, cairn_state_kind kind,
                         const cairn_state_descriptor *descriptor, state_world_handle *out,
                         cairn_error *err);
state_world_handle form_open(form_world *w, cairn_state_kind kind,
                             const cairn_state_descriptor *descriptor);

/* Writes at the pairs [first, end); the second at all, by "text" version 1. */
void form_fill_pairs(form_world *w, const cairn_state_descriptor *descriptor, cairn_state_kind kind,
                     size_t first, size_t end);
void form_fill(form_world *w, cairn_state_kind kind);

/* At the pairs from `first` on, or at all, stands what was filled in, with each value, element and
 * accumulator between `before` and `after`. */
void form_expect_pairs(form_world *w, cairn_state_kind kind, const state_world_handle *handle,
                       size_t first, const char *before, const char *after);
void form_expect(form_world *w, cairn_state_kind kind, const state_world_handle *handle,
                 const char *before, const char *after);

/* Context of a migration that puts what it converts between [ and ]. */
typedef struct form_brackets {
    unsigned calls_left; /* before one fails */
    unsigned calls;
} form_brackets;
cairn_migration form_from(const char *serializer, uint32_t version, form_brackets *context);

#endif
