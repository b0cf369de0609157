#include "keylist.h"

#include "bounds.h"
#include "errors.h"

#include <stdlib.h>
#include <string.h>

static cairn_code grow(key_list *list, cairn_error *err)
{
    size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;

    if (list->count == CAIRN_OBJECTS_LISTED_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "more than %zu objects below one job",
                         CAIRN_OBJECTS_LISTED_MAX);
    }
    char **items = mem_realloc_array(list->items, capacity, sizeof *items);
    if (items == NULL) {
        return error_no_memory(err, "list of objects");
    }
    list->items = items;
    list->capacity = capacity;
    return CAIRN_OK;
}

cairn_code key_list_add(key_list *list, const char *key, cairn_error *err)
{
    if (list->count == list->capacity) {
        CAIRN_TRY(grow(list, err));
    }
    char *copy = mem_strdup(key);
    if (copy == NULL) {
        return error_no_memory(err, "list of objects");
    }
    list->items[list->count++] = copy;
    return CAIRN_OK;
}

void key_list_release(key_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i]);
    }
    mem_free(list->items);
    *list = (key_list){0};
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void key_list_sort(key_list *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, compare);
    }
}

bool key_list_contains(const key_list *sorted, const char *key)
{
    return sorted->count > 0 &&
           bsearch(&key, sorted->items, sorted->count, sizeof *sorted->items, compare) != NULL;
}

key_list key_list_take(key_list *list)
{
    key_list taken = *list;

    *list = (key_list){0};
    return taken;
}
