#pragma once

#include <map>
#include <string>
#include <string_view>

namespace spikelens {

/// One stream of an AEDAT 4 file.
struct Aedat4Stream {
    std::string type;           ///< "EVTS", "FRME", "IMUS", …
    int width = 0, height = 0;  ///< 0 when it says nothing
};

/// The streams that the header's XML describes, by their numbers: nodes outInfo/NUMBER with an attribute
/// typeIdentifier, and in their node info sizeX and sizeY. Of XML it reads what such headers have: tags, quoted
/// attributes and text. Throws InputError that begins with `what` when tags do not close or a size is no number.
std::map<int, Aedat4Stream> aedat4_streams(std::string_view xml, const std::string& what);

}  // namespace spikelens
