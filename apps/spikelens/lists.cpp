#include "commands.h"

namespace spikelens::app {

std::vector<std::string> split_list(const std::vector<std::string>& words) {
    std::vector<std::string> parts;
    for (const std::string& word : words) {
        int depth = 0;
        bool begins = true;
        for (const char c : word) {
            if (c == '(') ++depth;
            if (c == ')') --depth;
            const bool ends = c == ',' && depth <= 0;
            if (!ends && begins) parts.emplace_back();
            if (!ends) parts.back() += c;
            begins = ends;
        }
    }
    return parts;
}

}  // namespace spikelens::app
