#pragma once

// A function marked SPIKELENS_WIDE is on x86-64 also compiled, with all it calls, for wider vectors, chosen when the
// program is loaded (before a thread sanitizer is ready for that). Every lane computes what a single number would: the
// bits are the same.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define SPIKELENS_WIDE __attribute__((target_clones("avx2", "default"), flatten))
#else
#define SPIKELENS_WIDE
#endif
