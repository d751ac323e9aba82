#include "result_file.h"

#include <array>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

std::string kind_text(ResultKind kind) {
    constexpr std::array<const char*, 5> names = {"responses", "relevant filters", "ablation", "visualisations", "probe"};
    return fmt::format("spikelens {} 1", names.at(static_cast<size_t>(kind)));
}

void check_identity(const std::string& kind, const std::string& model, ResultKind expected, const std::string& fingerprint,
                    const std::string& where) {
    if (kind != kind_text(expected))
        throw InputError(fmt::format("{} holds \"{}\", expected \"{}\"", where, kind, kind_text(expected)));
    if (model != fingerprint)
        throw InputError(
            fmt::format("{} belongs to another model (fingerprint {}, expected {}): make it again", where, model, fingerprint));
}

std::string attribute(const ArrayFile& file, const std::string& name) {
    const auto found = file.attributes.find(name);
    if (found == file.attributes.end())
        throw InputError(fmt::format("{}: the attribute {} is missing", file.source.string(), name));
    return found->second;
}

}  // namespace

nlohmann::json result_document(ResultKind kind, const std::string& fingerprint) {
    return {{"kind", kind_text(kind)}, {"fingerprint", fingerprint}};
}

ArrayFile result_arrays(ResultKind kind, const std::string& fingerprint) {
    ArrayFile file;
    file.attributes = {{"kind", kind_text(kind)}, {"fingerprint", fingerprint}};
    return file;
}

void check_result(const JsonField& document, ResultKind kind, const std::string& fingerprint,
                  const std::filesystem::path& path) {
    check_identity(document["kind"].text(), document["fingerprint"].text(), kind, fingerprint, path.string());
}

void check_result(const ArrayFile& file, ResultKind kind, const std::string& fingerprint) {
    check_identity(attribute(file, "kind"), attribute(file, "fingerprint"), kind, fingerprint, file.source.string());
}

}  // namespace spikelens
