/* MurmurHash3 x86, 32 bits (Austin Appleby, public domain). "" -> 0, "a" -> 0x3c2569b2 (seed 0). */
#ifndef CAIRN_BASE_HASH_H
#define CAIRN_BASE_HASH_H

#include <cairn/base.h>

uint32_t hash_murmur3_x86_32(cairn_slice data, uint32_t seed);

#endif
