#pragma once

#include <string>

#include "event_readers.h"

namespace spikelens {

/// What the '% ' lines of a Prophesee file say.
struct PropheseeHeader {
    size_t size = 0;  ///< bytes; where the rest begins
    std::string
        encoding;  ///< "EVT2", "EVT3", … of "% format EVT3;height=720;width=1280" or "% evt 3.0"; empty without them
    int width = 0, height = 0;  ///< of "% format", "% geometry 1280x720" or "% Width" and "% Height"; 0 without them
};

/// Throws InputError for a size that is no number, for one of two sizes without the other, and for words that are not
/// little-endian.
PropheseeHeader read_prophesee_header(const EventFile& file);

}  // namespace spikelens
