// This program's registry of formats of recordings, in place of the library's.
#include "event_readers.h"

#include "data/events.cpp"
