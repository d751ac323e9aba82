// This program's registry of formats of recordings, in place of the library's.
#include "data/events.cpp"
#include "event_readers.h"
