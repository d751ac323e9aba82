#include "prophesee_header.h"

#include <algorithm>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/core/number.h"

#include "text_header.h"

namespace spikelens {
namespace {

int extent(std::string_view text, const std::string& file) {
    const auto number = number_in<int>(text);
    if (!number || *number < 1)
        throw InputError(file + " has the size '" + std::string(text) + "' in its header, expected a whole number");
    return *number;
}

/// "EVT3;height=720;width=1280": the encoding, then options.
void read_format(std::string_view text, PropheseeHeader& header, const std::string& file) {
    header.encoding = text.substr(0, text.find(';'));
    while (text.find(';') != std::string_view::npos) {
        text.remove_prefix(text.find(';') + 1);
        const std::string_view option = text.substr(0, text.find(';'));
        const std::string_view value = option.substr(std::min(option.size(), option.find('=') + 1));
        if (option.starts_with("height=")) header.height = extent(value, file);
        if (option.starts_with("width=")) header.width = extent(value, file);
        if (option.starts_with("endianness=") && value != "little")
            throw InputError(file + " has words that are " + std::string(value) + "-endian, expected little");
    }
}

void read_geometry(std::string_view text, PropheseeHeader& header, const std::string& file) {
    const size_t cross = text.find('x');
    header.width = extent(text.substr(0, cross), file);
    header.height = extent(cross == std::string_view::npos ? std::string_view() : text.substr(cross + 1), file);
}

/// "3.0", "2.0", "2.1" as formats are named.
std::string encoding_of_version(std::string_view version) {
    if (version == "2.0") return "EVT2";
    if (version == "3.0") return "EVT3";
    return "EVT " + std::string(version);
}

}  // namespace

PropheseeHeader read_prophesee_header(const EventFile& file) {
    const TextHeader text = read_text_header(file.bytes, "% ", "% end");
    PropheseeHeader header;
    header.size = text.size;
    if (const auto version = header_value(text, "% evt ")) header.encoding = encoding_of_version(*version);
    for (const auto& [key, target] : {std::pair{"% Width ", &header.width},
                                      {"% Height ", &header.height},
                                      {"% width ", &header.width},
                                      {"% height ", &header.height}})
        if (const auto value = header_value(text, key)) *target = extent(*value, file.name);
    if (const auto geometry = header_value(text, "% geometry ")) read_geometry(*geometry, header, file.name);
    if (const auto format = header_value(text, "% format ")) read_format(*format, header, file.name);
    if ((header.width == 0) != (header.height == 0))
        throw InputError(file.name + " gives the width or the height of its sensor without the other");
    return header;
}

}  // namespace spikelens
