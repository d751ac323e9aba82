#include "result_file.h"

#include <array>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {

using nlohmann::json;

namespace {

std::string kind_text(ResultKind kind) {
    constexpr std::array<const char*, 5> names = {"responses 4", "relevant filters 2", "ablation 2", "visualisations 2",
                                                  "probe 2"};
    return fmt::format("spikelens {}", names.at(static_cast<size_t>(kind)));
}

void check(const std::string& kind, const json& made_under, ResultKind expected, const json& identity,
           const std::string& where) {
    if (kind != kind_text(expected))
        throw InputError(fmt::format("{} holds \"{}\", expected \"{}\"", where, kind, kind_text(expected)));
    if (made_under != identity)
        throw InputError(where + " was made of another model, other data or with other options: make it again");
}

}  // namespace

json result_document(ResultKind kind, const json& identity) {
    return {{"kind", kind_text(kind)}, {"identity", identity}};
}

std::map<std::string, std::string> result_attributes(ResultKind kind, const json& identity) {
    return {{"kind", kind_text(kind)}, {"identity", identity.dump()}};
}

void check_result(const json& document, ResultKind kind, const json& identity, const std::filesystem::path& path) {
    const JsonField fields(document, path.string());
    fields["identity"];
    check(fields["kind"].text(), document["identity"], kind, identity, path.string());
}

void check_result(const ArrayReader& file, ResultKind kind, const json& identity) {
    const auto found = file.attributes().find("kind");
    if (found == file.attributes().end()) throw InputError(file.source().string() + ": the attribute kind is missing");
    check(found->second, identity_in(file.attributes(), file.source()), kind, identity, file.source().string());
}

json identity_in(const std::map<std::string, std::string>& attributes, const std::filesystem::path& source) {
    const auto found = attributes.find("identity");
    if (found == attributes.end()) return nullptr;
    return parse_json(found->second, source.string() + ": the attribute identity");
}

}  // namespace spikelens
