#pragma once

#include "data/event_readers.h"

// The list of src/data/event_readers.h with the toy in it.
#undef SPIKELENS_EVENT_FORMATS
#define SPIKELENS_EVENT_FORMATS(format) format(aedat4) format(toy) format(nmnist)

namespace spikelens {

EventFormat toy_format();

}  // namespace spikelens
