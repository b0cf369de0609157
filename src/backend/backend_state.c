/* The calls of include/cairn/state.h, timer.h and operator_state.h that take a backend. */
#include "backend_impl.h"

cairn_code cairn_backend_set_key(cairn_backend *backend, cairn_slice key, cairn_error *err)
{
    return keyed_state_set_key(backend->states, key, err);
}

cairn_code cairn_backend_set_key_in_group(cairn_backend *backend, cairn_slice key,
                                          uint32_t key_group, cairn_error *err)
{
    return keyed_state_set_key_in_group(backend->states, key, key_group, err);
}

cairn_code cairn_backend_set_namespace(cairn_backend *backend, cairn_slice name_space,
                                       cairn_error *err)
{
    return keyed_state_set_namespace(backend->states, name_space, err);
}

cairn_code cairn_value_state_open(cairn_backend *backend, const cairn_state_descriptor *descriptor,
                                  cairn_value_state **out, cairn_error *err)
{
    return keyed_state_open_value(backend->states, descriptor, out, err);
}

cairn_code cairn_list_state_open(cairn_backend *backend, const cairn_state_descriptor *descriptor,
                                 cairn_list_state **out, cairn_error *err)
{
    return keyed_state_open_list(backend->states, descriptor, out, err);
}

cairn_code cairn_map_state_open(cairn_backend *backend, const cairn_state_descriptor *descriptor,
                                cairn_map_state **out, cairn_error *err)
{
    return keyed_state_open_map(backend->states, descriptor, out, err);
}

cairn_code cairn_reducing_state_open(cairn_backend *backend,
                                     const cairn_state_descriptor *descriptor,
                                     const cairn_reduce_function *function,
                                     cairn_reducing_state **out, cairn_error *err)
{
    return keyed_state_open_reducing(backend->states, descriptor, function, out, err);
}

cairn_code cairn_aggregating_state_open(cairn_backend *backend,
                                        const cairn_state_descriptor *descriptor,
                                        const cairn_aggregate_function *function,
                                        cairn_aggregating_state **out, cairn_error *err)
{
    return keyed_state_open_aggregating(backend->states, descriptor, function, out, err);
}

cairn_code cairn_operator_list_open(cairn_backend *backend,
                                    const cairn_operator_descriptor *descriptor,
                                    cairn_operator_list **out, cairn_error *err)
{
    return operator_states_open_list(backend->operators, descriptor, CAIRN_OPERATOR_LIST, out, err);
}

cairn_code cairn_operator_union_open(cairn_backend *backend,
                                     const cairn_operator_descriptor *descriptor,
                                     cairn_operator_list **out, cairn_error *err)
{
    return operator_states_open_list(backend->operators, descriptor, CAIRN_OPERATOR_UNION, out,
                                     err);
}

cairn_code cairn_broadcast_open(cairn_backend *backend, const cairn_operator_descriptor *descriptor,
                                cairn_broadcast **out, cairn_error *err)
{
    return operator_states_open_broadcast(backend->operators, descriptor, out, err);
}

cairn_code cairn_timers_open(cairn_backend *backend, const char *name,
                             const cairn_timer_function *function, cairn_timers **out,
                             cairn_error *err)
{
    return keyed_state_open_timers(backend->states, name, function, out, err);
}

cairn_code cairn_backend_visit_keys(cairn_backend *backend, const char *state,
                                    const cairn_slice *name_space, cairn_state_key_visit visit,
                                    void *context, cairn_error *err)
{
    return keyed_state_visit_keys(backend->states, state, name_space, visit, context, err);
}

cairn_code cairn_backend_apply_to_all_keys(cairn_backend *backend, const char *state,
                                           const cairn_slice *name_space,
                                           cairn_state_key_visit apply, void *context,
                                           cairn_error *err)
{
    return keyed_state_apply_to_all_keys(backend->states, state, name_space, apply, context, err);
}
