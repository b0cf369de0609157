#include "state_table.h"

void state_cursor_free(state_cursor *cursor)
{
    if (cursor != NULL) {
        cursor->ops->free(cursor);
    }
}

void state_engine_close(state_engine *engine)
{
    if (engine != NULL) {
        engine->ops->close(engine);
    }
}

void state_snapshot_free(state_snapshot *snapshot)
{
    if (snapshot != NULL) {
        snapshot->ops->free(snapshot);
    }
}
