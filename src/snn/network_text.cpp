#include <algorithm>
#include <array>
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
        std::map<std::string, std::string> all = {{"shallow", "16C3-LIF-MP2-32C3-LIF-MP2-128F-LIF-"}};
        // The number of convolutions with 64, 128, 256, 512 and 512 filters (Simonyan and Zisserman 2015, table 1: A,
        // B, D, E).
        for (const auto& [name, repeats] : {std::pair{"svgg11", std::array{1, 1, 2, 2, 2}},
                                            {"svgg13", {2, 2, 2, 2, 2}},
                                            {"svgg16", {2, 2, 3, 3, 3}},
                                            {"svgg19", {2, 2, 4, 4, 4}}}) {
            std::string text;
            for (size_t group = 0; group < repeats.size(); ++group) {
                const std::string filters = std::to_string(std::min(64 << group, 512));
                for (int i = 0; i < repeats[group]; ++i) text += filters + "C3-LIF-";
                text += "MP2-";
            }
            all[name] = text + "4096F-LIF-4096F-LIF-";
        }
        return all;
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
