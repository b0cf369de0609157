/*
 * The main of a fuzz target where libFuzzer is not built in: runs the target over each file of the
 * corpus folders given, over every prefix of it and with each byte changed in a few ways. So every
 * build and sanitizer runs the targets, and a crash that was found once stays found.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger files are run whole only: the number of variants grows with the size, their cost too. */
#define VARIANT_SIZE_MAX 4096
#define INPUT_SIZE_MAX   (1 << 20)

static uint64_t runs;

/* Each input in a block of its own size, so that a read past its end is seen. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    runs++;
}

static void run_variants(uint8_t *data, size_t size)
{
    static const uint8_t masks[] = {0x01, 0x20, 0x80, 0xff};

    for (size_t len = 0; len < size; len++) {
        run(data, len);
    }
    for (size_t at = 0; at < size; at++) {
        for (size_t i = 0; i < sizeof(masks); i++) {
            data[at] ^= masks[i];
            run(data, size);
            data[at] ^= masks[i];
        }
    }
}

static int run_file(const char *path)
{
    static uint8_t data[INPUT_SIZE_MAX];
    FILE *file = fopen(path, "rbe");

    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    run(data, size);
    if (size <= VARIANT_SIZE_MAX) {
        run_variants(data, size);
    }
    return 0;
}

static int run_folder(const char *path)
{
    struct dirent **entries = NULL;
    int failed = 0;
    int count = scandir(path, &entries, NULL, alphasort);

    if (count < 0) {
        perror(path);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char file[4096];

        if (entries[i]->d_name[0] != '.') {
            (void)snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
            failed |= run_file(file);
        }
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        failed |= run_folder(argv[i]);
    }
    printf("%llu inputs\n", (unsigned long long)runs);
    return failed || runs == 0;
}
