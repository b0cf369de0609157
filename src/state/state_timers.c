/* Timers: include/cairn/timer.h on two timer queues, one for each domain of time. */
#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "keyed_state_impl.h"

#include <stdio.h>
#include <string.h>

static const char *const suffixes[] = {
    [CAIRN_TIME_EVENT] = "event-timers", [CAIRN_TIME_PROCESSING] = "processing-timers"};

static cairn_code check_name(const char *name, cairn_error *err)
{
    if (name == NULL || !is_safe_name(cairn_slice_of(name)) ||
        strlen(name) > CAIRN_TIMERS_NAME_BYTES_MAX) {
        return error_set(err, CAIRN_E_INVALID,
                         "open timers: the name must match ^[A-Za-z0-9._-]{1,%d}$",
                         CAIRN_TIMERS_NAME_BYTES_MAX);
    }
    return CAIRN_OK;
}

static void name_state(const char *name, cairn_time_domain domain,
                       char full[CAIRN_NAME_BYTES_MAX + 1])
{
    (void)snprintf(full, CAIRN_NAME_BYTES_MAX + 1, "%s.%s", name, suffixes[domain]);
}

static cairn_code open_queue(keyed_state *states, cairn_timers *timers, cairn_error *err)
{
    const timer_queue_options options = {timers->base.table, states->max_parallelism, states->range,
                                         states->engine->ops->walks_in_order};

    timers->states = states;
    return timers->queue != NULL ? CAIRN_OK : timer_queue_new(&options, &timers->queue, err);
}

static cairn_code check_free(keyed_state *states, const char *name, cairn_time_domain domain,
                             cairn_error *err)
{
    char full[CAIRN_NAME_BYTES_MAX + 1];
    bool found = false;

    name_state(name, domain, full);
    const size_t place = state_registry_find(&states->registry, full, &found);
    if (found && states->registry.infos[place].kind != CAIRN_STATE_TIMERS) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "open timers '%s': state '%s' is of kind %s",
                         name, full, state_kind_name(states->registry.infos[place].kind));
    }
    return CAIRN_OK;
}

static cairn_code open_domain(keyed_state *states, const char *name, cairn_time_domain domain,
                              cairn_timers **out, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    state_handle *handle = NULL;
    char full[CAIRN_NAME_BYTES_MAX + 1];

    name_state(name, domain, full);
    descriptor.name = full;
    CAIRN_TRY(state_open_kind(states, &descriptor, CAIRN_STATE_TIMERS, &handle, err));
    CAIRN_TRY(open_queue(states, (cairn_timers *)handle, err));
    *out = (cairn_timers *)handle;
    return CAIRN_OK;
}

cairn_code keyed_state_open_timers(keyed_state *states, const char *name,
                                   const cairn_timer_function *function, cairn_timers **out,
                                   cairn_error *err)
{
    cairn_timers *event = NULL;
    cairn_timers *processing = NULL;

    CAIRN_TRY(check_name(name, err));
    if (function == NULL || function->on_timer == NULL) {
        return error_set(err, CAIRN_E_INVALID, "open timers: on_timer is NULL");
    }
    CAIRN_TRY(check_free(states, name, CAIRN_TIME_EVENT, err));
    CAIRN_TRY(check_free(states, name, CAIRN_TIME_PROCESSING, err));
    CAIRN_TRY(open_domain(states, name, CAIRN_TIME_EVENT, &event, err));
    CAIRN_TRY(open_domain(states, name, CAIRN_TIME_PROCESSING, &processing, err));
    event->processing = processing;
    event->function = *function;
    *out = event;
    return CAIRN_OK;
}

static cairn_code of_domain(cairn_timers *timers, cairn_time_domain domain, const char *call,
                            timer_queue **out, cairn_error *err)
{
    if (timers == NULL || (domain != CAIRN_TIME_EVENT && domain != CAIRN_TIME_PROCESSING)) {
        return error_set(err, CAIRN_E_INVALID, "%s: the timers are NULL, or the domain is unknown",
                         call);
    }
    *out = domain == CAIRN_TIME_EVENT ? timers->queue : timers->processing->queue;
    return CAIRN_OK;
}

static cairn_code current_place(const cairn_timers *timers, const char *call,
                                const state_place **out, cairn_error *err)
{
    *out = &timers->states->current.place;
    return (*out)->bytes.data == NULL ? state_no_key(call, err) : CAIRN_OK;
}

cairn_code cairn_timers_register(cairn_timers *timers, cairn_time_domain domain, int64_t time_ms,
                                 cairn_error *err)
{
    timer_queue *queue = NULL;
    const state_place *place = NULL;

    CAIRN_TRY(of_domain(timers, domain, "register a timer", &queue, err));
    CAIRN_TRY(current_place(timers, "register a timer", &place, err));
    return timer_queue_add(queue, place, time_ms, err);
}

cairn_code cairn_timers_delete(cairn_timers *timers, cairn_time_domain domain, int64_t time_ms,
                               cairn_error *err)
{
    timer_queue *queue = NULL;
    const state_place *place = NULL;

    CAIRN_TRY(of_domain(timers, domain, "delete a timer", &queue, err));
    CAIRN_TRY(current_place(timers, "delete a timer", &place, err));
    return timer_queue_remove(queue, place, time_ms, err);
}

cairn_code cairn_timers_next(cairn_timers *timers, cairn_time_domain domain, int64_t *out_time_ms,
                             bool *out_found, cairn_error *err)
{
    timer_queue *queue = NULL;

    CAIRN_TRY(of_domain(timers, domain, "look for the next timer", &queue, err));
    if (out_time_ms == NULL || out_found == NULL) {
        return error_set(err, CAIRN_E_INVALID, "look for the next timer: an output is NULL");
    }
    return timer_queue_next(queue, out_time_ms, out_found, err);
}

/* Whatever fails before the timer is removed leaves it to the next advance. */
static cairn_code fire(cairn_timers *timers, timer_queue *queue, cairn_time_domain domain,
                       int64_t time_ms, cairn_error *err)
{
    keyed_state *const states = timers->states;
    const cairn_timer timer = {domain, time_ms, cairn_buf_slice(&timers->due.key),
                               cairn_buf_slice(&timers->due.name_space), timers->due.key_group};

    CAIRN_TRY(keyed_state_set_key_in_group(states, timer.key, timer.key_group, err));
    CAIRN_TRY(keyed_state_set_namespace(states, timer.name_space, err));
    CAIRN_TRY(timer_queue_remove(queue, &states->current.place, time_ms, err));
    return timers->function.on_timer(timers->function.context, &timer, err);
}

static cairn_code fire_all(cairn_timers *timers, cairn_time_domain domain, int64_t until_ms,
                           cairn_error *err)
{
    timer_queue *queue = NULL;
    int64_t time_ms = 0;
    bool found = true;

    CAIRN_TRY(of_domain(timers, domain, "advance the time", &queue, err));
    while (found) {
        state_key_parts_release(&timers->due);
        CAIRN_TRY(timer_queue_peek(queue, until_ms, &time_ms, &timers->due, &found, err));
        if (found) {
            CAIRN_TRY(fire(timers, queue, domain, time_ms, err));
        }
    }
    return CAIRN_OK;
}

cairn_code cairn_timers_advance(cairn_timers *timers, cairn_time_domain domain, int64_t time_ms,
                                cairn_error *err)
{
    cairn_code code;

    if (timers == NULL || timers->advancing) {
        return error_set(err, timers == NULL ? CAIRN_E_INVALID : CAIRN_E_STATE,
                         "advance the time: %s",
                         timers == NULL ? "the timers are NULL" : "a timer is being fired");
    }
    timers->advancing = true;
    code = fire_all(timers, domain, time_ms, err);
    timers->advancing = false;
    keyed_state_clear_key(timers->states);
    return code;
}
