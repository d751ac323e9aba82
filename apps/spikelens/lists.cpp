#include <algorithm>

#include "commands.h"

namespace spikelens::app {
namespace {

std::vector<std::string> split_at_commas(const std::string& word) {
    std::vector<std::string> parts;
    for (size_t start = 0; start <= word.size();) {
        const size_t comma = std::min(word.find(',', start), word.size());
        if (comma > start) parts.push_back(word.substr(start, comma - start));
        start = comma + 1;
    }
    return parts;
}

}  // namespace

std::vector<std::string> split_list(const std::vector<std::string>& words) {
    std::vector<std::string> parts;
    for (const std::string& word : words)
        for (const std::string& part : split_at_commas(word)) parts.push_back(part);
    return parts;
}

}  // namespace spikelens::app
