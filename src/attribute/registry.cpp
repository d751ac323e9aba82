#include <algorithm>
#include <array>

#include "spikelens/attribute/method.h"
#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "methods.h"

namespace spikelens {
namespace {

struct Entry {
    const char* name;
    MethodPointer (*make)(MethodOptions&);
};

/// In the order of tables and of `spikelens methods`.
constexpr std::array entries = {
    Entry{"svebi", make_svebi},     Entry{"grad2d", make_grad2d},       Entry{"grad3d", make_grad3d},
    Entry{"ig2d", make_ig2d},       Entry{"ig3d", make_ig3d},           Entry{"gradcam", make_gradcam},
    Entry{"sam", make_sam},         Entry{"tsa_s", make_tsa_s},         Entry{"tsa_ns", make_tsa_ns},
    Entry{"gate", make_gate},       Entry{"gate_path", make_gate_path}, Entry{"gate3d", make_gate3d},
    Entry{"probe", make_probe},     Entry{"occlusion", make_occlusion}, Entry{"spike_occlusion", make_spike_occlusion},
    Entry{"rise", make_rise},       Entry{"lime", make_lime},           Entry{"random", make_random},
    Entry{"uniform", make_uniform}, Entry{"input", make_input},         Entry{"sobel", make_sobel},
};

const Entry& find_entry(const std::string& name) {
    std::vector<std::string> names;
    for (const Entry& entry : entries) {
        if (name == entry.name) return entry;
        names.emplace_back(entry.name);
    }
    throw InputError("there is no method '" + name + "'" + suggestion(name, names));
}

MethodSpec make_method(std::string_view text, MethodOptions& options) {
    MethodSpec spec;
    spec.text = text;
    spec.method = find_entry(options.method()).make(options);
    spec.view = options.take_view();
    options.finish();
    spec.canonical = options.canonical();
    return spec;
}

}  // namespace

MethodSpec parse_method(std::string_view text) {
    MethodOptions options(text);
    return make_method(text, options);
}

std::vector<MethodOption> method_options(std::string_view text) {
    MethodOptions options(text);
    make_method(text, options);
    return options.known();
}

std::vector<MethodInfo> all_methods() {
    std::vector<MethodInfo> infos;
    for (const Entry& entry : entries) infos.push_back(parse_method(entry.name).method->info());
    return infos;
}

}  // namespace spikelens
