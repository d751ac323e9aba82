// This program's registry of formats of recordings, in place of the library's: the toy's list comes first.
// clang-format off
#include "event_readers.h"
#include "data/events.cpp"
// clang-format on
