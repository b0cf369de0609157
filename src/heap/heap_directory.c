#include "errors.h"
#include "heap_impl.h"

/* --- blocks ----------------------------------------------------------------------------------- */

static size_t directory_bytes(uint32_t depth)
{
    return sizeof(heap_directory) + (sizeof(heap_segment *) << depth);
}

void heap_directory_free(heap_db *db, heap_directory *directory)
{
    heap_block_free(db, directory, directory_bytes(directory->depth));
}

void heap_segment_free(heap_db *db, heap_segment *segment)
{
    if (segment != NULL) {
        heap_block_free(db, segment->slots, segment->count * sizeof(*segment->slots));
        heap_block_free(db, segment, sizeof(*segment));
    }
}

/* Its slots are not set. */
static cairn_code segment_new(const heap_place *place, uint32_t count, uint32_t depth,
                              heap_segment **out, cairn_error *err)
{
    heap_db *db = place->table->db;
    void *block = NULL;
    void *slots = NULL;
    cairn_code code;

    CAIRN_TRY(heap_block_new(db, sizeof(**out), place->shrinks, &block, err));
    code = heap_block_new(db, count * sizeof(uint64_t), place->shrinks, &slots, err);
    if (code != CAIRN_OK) {
        heap_block_free(db, block, sizeof(**out));
        return code;
    }
    *out = block;
    **out = (heap_segment){
        .generation = db->generation, .count = count, .depth = depth, .slots = slots};
    return CAIRN_OK;
}

static cairn_code empty_segment_new(const heap_place *place, uint32_t count, uint32_t depth,
                                    heap_segment **out, cairn_error *err)
{
    heap_segment *segment = NULL;

    CAIRN_TRY(segment_new(place, count, depth, &segment, err));
    CAIRN_ASSERT(segment != NULL); /* GCC's analyzer does not see it */
    memset(segment->slots, 0, count * sizeof(*segment->slots));
    *out = segment;
    return CAIRN_OK;
}

/* A copy, twice as long if `depth` is one more. */
static cairn_code directory_copy(const heap_place *place, const heap_directory *from,
                                 uint32_t depth, heap_directory **out, cairn_error *err)
{
    heap_db *db = place->table->db;
    size_t bytes = sizeof(heap_segment *) << from->depth;
    heap_directory *directory;
    void *block = NULL;

    CAIRN_TRY(heap_block_new(db, directory_bytes(depth), place->shrinks, &block, err));
    directory = block;
    directory->generation = db->generation;
    directory->depth = depth;
    memcpy(directory->segments, from->segments, bytes);
    if (depth > from->depth) {
        memcpy(directory->segments + (UINT64_C(1) << from->depth), from->segments, bytes);
    }
    *out = directory;
    return CAIRN_OK;
}

/* --- looking up and setting ------------------------------------------------------------------- */

static heap_directory **directory_at(const heap_place *place)
{
    return &place->table->groups[place->group];
}

static heap_segment *segment_at(const heap_place *place)
{
    return heap_segment_at(*directory_at(place), place->hash);
}

/* At each index whose lowest bits are those of `hash`. */
static void set_segment(heap_directory *directory, uint64_t hash, heap_segment *segment)
{
    CAIRN_ASSERT(segment != NULL); /* GCC's analyzer does not see it */
    uint64_t step = UINT64_C(1) << segment->depth;

    for (uint64_t i = hash & (step - 1); i < UINT64_C(1) << directory->depth; i += step) {
        directory->segments[i] = segment;
    }
}

/* The directory may be written afterwards, and tells 2^depth segments apart. */
static cairn_code own_directory(const heap_place *place, uint32_t depth, cairn_error *err)
{
    heap_directory **at = directory_at(place);
    heap_directory *old = *at;
    uint32_t wanted = depth > old->depth ? depth : old->depth;

    if (wanted == old->depth && !heap_is_frozen(place->table->db, old->generation)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(directory_copy(place, old, wanted, at, err));
    heap_dispose(place->table->db, old, CAIRN_HEAP_DIRECTORY);
    return CAIRN_OK;
}

/* --- changing a segment ----------------------------------------------------------------------- */

/* Puts `segment`, or frees it on failure, where another stood. */
static cairn_code put_segment(const heap_place *place, heap_segment *segment, cairn_error *err)
{
    heap_segment *old = segment_at(place);
    cairn_code code = own_directory(place, 0, err);

    if (code != CAIRN_OK) {
        heap_segment_free(place->table->db, segment);
        return code;
    }
    set_segment(*directory_at(place), place->hash, segment);
    heap_dispose(place->table->db, old, CAIRN_HEAP_SEGMENT);
    return CAIRN_OK;
}

cairn_code heap_own(const heap_place *place, cairn_error *err)
{
    heap_segment *old = segment_at(place);
    heap_segment *copy = NULL;

    if (!heap_is_frozen(place->table->db, old->generation)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(segment_new(place, old->count, old->depth, &copy, err));
    memcpy(copy->slots, old->slots, old->count * sizeof(*old->slots));
    copy->used = old->used;
    return put_segment(place, copy, err);
}

static cairn_code grow(const heap_place *place, cairn_error *err)
{
    const heap_segment *old = segment_at(place);
    heap_segment *larger = NULL;

    CAIRN_TRY(empty_segment_new(place, 2 * old->count, old->depth, &larger, err));
    heap_segment_move(old, larger);
    return put_segment(place, larger, err);
}

/* Outputs are set, or both NULL on failure. */
static cairn_code new_halves(const heap_place *place, const heap_segment *old, heap_segment *out[2],
                             cairn_error *err)
{
    cairn_code code = empty_segment_new(place, old->count, old->depth + 1, &out[0], err);

    if (code == CAIRN_OK) {
        code = empty_segment_new(place, old->count, old->depth + 1, &out[1], err);
    }
    if (code == CAIRN_OK) {
        code = own_directory(place, old->depth + 1, err);
    }
    if (code != CAIRN_OK) {
        heap_segment_free(place->table->db, CAIRN_TAKE(out[1]));
        heap_segment_free(place->table->db, CAIRN_TAKE(out[0]));
    }
    return code;
}

static cairn_code split(const heap_place *place, cairn_error *err)
{
    heap_db *db = place->table->db;
    heap_segment *old = segment_at(place);
    heap_segment *halves[2] = {NULL, NULL};
    uint64_t bit = UINT64_C(1) << old->depth;

    CAIRN_TRY(new_halves(place, old, halves, err));
    heap_segment_split(old, &db->seed, halves);
    set_segment(*directory_at(place), place->hash & ~bit, halves[0]);
    set_segment(*directory_at(place), place->hash | bit, halves[1]);
    heap_dispose(db, old, CAIRN_HEAP_SEGMENT);
    return CAIRN_OK;
}

/* --- room for one more ------------------------------------------------------------------------ */

/* The first directory and segment of a key group. */
static cairn_code begin_group(const heap_place *place, cairn_error *err)
{
    heap_db *db = place->table->db;
    heap_directory *directory;
    heap_segment *segment = NULL;
    void *block = NULL;
    cairn_code code;

    CAIRN_TRY(empty_segment_new(place, CAIRN_HEAP_SLOTS_MIN, 0, &segment, err));
    code = heap_block_new(db, directory_bytes(0), place->shrinks, &block, err);
    if (code != CAIRN_OK) {
        heap_segment_free(db, segment);
        return code;
    }
    directory = block;
    directory->generation = db->generation;
    directory->depth = 0;
    set_segment(directory, place->hash, segment);
    *directory_at(place) = directory;
    return CAIRN_OK;
}

/* A split may leave all entries in one half, so it is asked again; a segment that can't be split
 * any more is filled to its last slot but one. */
static cairn_code make_room(const heap_place *place, cairn_error *err)
{
    const heap_segment *segment = segment_at(place);

    while (heap_segment_is_full(segment)) {
        if (segment->count < CAIRN_HEAP_SLOTS_MAX) {
            CAIRN_TRY(grow(place, err));
        } else if (segment->depth < CAIRN_HEAP_DEPTH_MAX) {
            CAIRN_TRY(split(place, err));
        } else {
            break;
        }
        segment = segment_at(place);
    }
    if (segment->used + 1 == segment->count) {
        return error_set(err, CAIRN_E_LIMIT,
                         "state on the heap: a key group has too many entries; "
                         "raise the parallelism or max parallelism");
    }
    return heap_own(place, err);
}

cairn_code heap_slot_add(const heap_place *place, heap_entry *entry, cairn_error *err)
{
    if (*directory_at(place) == NULL) {
        CAIRN_TRY(begin_group(place, err));
    }
    CAIRN_TRY(make_room(place, err));
    heap_segment_add(segment_at(place), heap_slot_of(place->hash, entry));
    return CAIRN_OK;
}

void heap_slot_replace(const heap_place *place, const heap_entry *old, heap_entry *entry)
{
    heap_segment *segment = segment_at(place);
    uint32_t index = heap_segment_index_of(segment, place->hash, old);

    segment->slots[index] = heap_slot_of(place->hash, entry);
}

void heap_slot_erase(const heap_place *place, const heap_entry *entry)
{
    heap_segment *segment = segment_at(place);

    heap_segment_erase(segment, heap_segment_index_of(segment, place->hash, entry));
}
