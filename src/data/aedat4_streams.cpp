#include "aedat4_streams.h"

#include <optional>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/core/number.h"

#include "text_header.h"

namespace spikelens {
namespace {

/// The value of name="value" within a tag.
std::string_view attribute(std::string_view tag, std::string_view name) {
    const std::string wanted = " " + std::string(name) + "=\"";
    const size_t found = tag.find(wanted);
    if (found == std::string_view::npos) return {};
    const size_t start = found + wanted.size();
    const size_t end = tag.find('"', start);
    return end == std::string_view::npos ? std::string_view() : tag.substr(start, end - start);
}

class Streams {
  public:
    Streams(std::string_view xml, const std::string& what) : rest_(xml), what_(what) {}

    std::map<int, Aedat4Stream> read() {
        while (const auto tag = next_tag()) {
            if (tag->starts_with("node ")) {
                if (!tag->ends_with('/')) open_.push_back(attribute(*tag, "name"));
            } else if (*tag == "/node") {
                if (open_.empty()) fail("it closes a node that is not open");
                open_.pop_back();
            } else if (tag->starts_with("attr ")) {
                take(attribute(*tag, "key"), rest_.substr(0, rest_.find('<')));
            }
        }
        if (!open_.empty()) fail("it leaves a node open");
        return std::move(streams_);
    }

  private:
    /// What stands between < and >; what comes before it is left out.
    std::optional<std::string_view> next_tag() {
        const size_t start = rest_.find('<');
        if (start == std::string_view::npos) return std::nullopt;
        const size_t end = rest_.find('>', start);
        if (end == std::string_view::npos) fail("it ends within a tag");
        const std::string_view tag = rest_.substr(start + 1, end - start - 1);
        rest_.remove_prefix(end + 1);
        return tag;
    }
    /// An attribute of the node that is open now.
    void take(std::string_view key, std::string_view value) {
        const bool of_info = !open_.empty() && open_.back() == "info";
        const size_t depth = open_.size() - (of_info ? 1 : 0);
        if (depth < 2 || open_[depth - 2] != "outInfo") return;
        const auto number = number_in<int>(open_[depth - 1]);
        if (!number) return;
        if (!of_info && key == "typeIdentifier") streams_[*number].type = value;
        if (of_info && key == "sizeX") streams_[*number].width = size(value);
        if (of_info && key == "sizeY") streams_[*number].height = size(value);
    }
    int size(std::string_view value) const {
        const auto number = number_in<int>(value);
        if (!number || *number < 1) fail("it gives the size '" + std::string(value) + "'");
        return *number;
    }
    [[noreturn]] void fail(const std::string& reason) const { throw InputError(what_ + " is damaged: " + reason); }

    std::string_view rest_;
    const std::string& what_;
    std::vector<std::string_view> open_;
    std::map<int, Aedat4Stream> streams_;
};

}  // namespace

std::map<int, Aedat4Stream> aedat4_streams(std::string_view xml, const std::string& what) {
    return Streams(xml, what).read();
}

}  // namespace spikelens
