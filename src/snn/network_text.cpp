#include <map>
#include <optional>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/snn/network.h"

#include "network_builder.h"

namespace spikelens {
namespace {

/// Brackets in brackets: a hostile text must not use up the stack.
constexpr int kMostDepth = 100;

void read_block(Reader& reader, NetworkBuilder& builder, int depth);

/// Stages and blocks joined by '-'.
void read_chain(Reader& reader, NetworkBuilder& builder, int depth = 0) {
    do {
        if (reader.next_is('['))
            read_block(reader, builder, depth + 1);
        else
            builder.add(reader.stage());
    } while (reader.take('-'));
}

void read_block(Reader& reader, NetworkBuilder& builder, int depth) {
    const Stage opening = reader.here();
    if (depth > kMostDepth) opening.fail("more than " + std::to_string(kMostDepth) + " brackets stand in each other");
    reader.take('[');
    const int start = builder.point();
    std::vector<int> ends;
    do {
        builder.go_to(start);
        if (!reader.next_is('|') && !reader.next_is(']')) read_chain(reader, builder, depth);
        ends.push_back(builder.point());
    } while (reader.take('|'));
    if (!reader.take(']')) opening.fail("the bracket is not closed; expected for example [16C3-LIF|]add");
    builder.join(reader.stage(), ends);
}

const std::map<std::string, std::string>& presets() {
    static const std::map<std::string, std::string> texts = [] {
        std::string vgg;
        for (const auto& [filters, repeats] : {std::pair{64, 2}, {128, 2}, {256, 4}, {512, 4}, {512, 4}}) {
            for (int i = 0; i < repeats; ++i) vgg += std::to_string(filters) + "C3-LIF-";
            vgg += "MP2-";
        }
        return std::map<std::string, std::string>{{"shallow", "16C3-LIF-MP2-32C3-LIF-MP2-128F-LIF-"},
                                                  {"svgg19", vgg + "4096F-LIF-4096F-LIF-"}};
    }();
    return texts;
}

}  // namespace

Network parse_network(std::string_view text, const Shape& input, int steps, const NetworkDefaults& defaults) {
    NetworkBuilder builder(input, steps, defaults);
    Reader reader(text);
    if (!reader.done()) read_chain(reader, builder);
    if (!reader.done()) reader.here().fail("no bracket is open here");
    Network network = builder.finish();
    check_network(network, "network text");
    return network;
}

std::string preset_text(std::string_view name_or_text, int64_t classes) {
    std::string name(name_or_text);
    if (const auto preset = presets().find(name); preset != presets().end())
        return preset->second + std::to_string(classes) + "F";
    if (!name.empty() && ((name[0] >= '0' && name[0] <= '9') || name[0] == '[')) return name;
    std::vector<std::string> names;
    for (const auto& [preset, text] : presets()) names.push_back(preset);
    throw InputError("'" + name + "' is neither a preset nor a network text such as 16C3-LIF-MP2-128F-LIF-10F" +
                     suggestion(name, names));
}

}  // namespace spikelens
