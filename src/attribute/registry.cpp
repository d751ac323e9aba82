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

constexpr std::array kEntries = {
#define SPIKELENS_METHOD_ENTRY(name) Entry{#name, make_##name},
    SPIKELENS_METHODS(SPIKELENS_METHOD_ENTRY)
#undef SPIKELENS_METHOD_ENTRY
};

const Entry& find_entry(const std::string& name) {
    std::vector<std::string> names;
    for (const Entry& entry : kEntries) {
        if (name == entry.name) return entry;
        names.emplace_back(entry.name);
    }
    throw InputError("there is no method '" + name + "'" + suggestion(name, names));
}

MethodSpec make_method(std::string_view text, MethodOptions& options) {
    MethodSpec spec;
    spec.text = text;
    spec.method = find_entry(options.method()).make(options);
    spec.view = options.view();
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

std::string options_text(std::string_view text) {
    std::string sentence;
    for (const MethodOption& option : method_options(text)) {
        if (option.name == "view") continue;
        sentence += (sentence.empty() ? "" : "; ") + option.name +
                    (option.standard.empty() ? "" : "=" + option.standard) + " (" + option.expected +
                    "): " + option.meaning;
    }
    return sentence;
}

std::vector<MethodInfo> all_methods() {
    std::vector<MethodInfo> infos;
    for (const Entry& entry : kEntries) infos.push_back(parse_method(entry.name).method->info());
    return infos;
}

}  // namespace spikelens
