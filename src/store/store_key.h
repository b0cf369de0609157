/* What a key may be: the rules of include/cairn/store.h. All pure. */
#ifndef CAIRN_STORE_STORE_KEY_H
#define CAIRN_STORE_STORE_KEY_H

#include "check.h"

bool store_key_valid(const char *key);

/* What a listing may ask for: "" or the beginning of a valid key. */
bool store_prefix_valid(const char *prefix);

/* As above, with CAIRN_E_INVALID and a message that shows the text escaped. NULL is not valid. */
cairn_code store_key_check(const char *key, cairn_error *err);
cairn_code store_prefix_check(const char *prefix, cairn_error *err);

bool store_key_has_prefix(const char *key, const char *prefix);

#endif
