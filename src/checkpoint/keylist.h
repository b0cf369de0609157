/* A growable list of object keys. Not thread-safe. */
#ifndef CAIRN_CHECKPOINT_KEYLIST_H
#define CAIRN_CHECKPOINT_KEYLIST_H

#include "check.h"

typedef struct key_list {
    char **items; /* owned */
    size_t count;
    size_t capacity;
} key_list;

/* Copies `key`; at most CAIRN_OBJECTS_LISTED_MAX keys. */
cairn_code key_list_add(key_list *list, const char *key, cairn_error *err);
void key_list_release(key_list *list);
CAIRN_DEFINE_AUTO(key_list, key_list_release)

void key_list_sort(key_list *list);
/* The list must be sorted. */
bool key_list_contains(const key_list *sorted, const char *key);

/* Moves the contents out; `list` is empty afterwards. */
key_list key_list_take(key_list *list);

#endif
