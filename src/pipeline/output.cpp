#include "spikelens/pipeline/output.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"
#include "spikelens/io/picture.h"
#include "spikelens/io/sha256.h"
#include "spikelens/pipeline/content.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// What a run directory keeps in files of fixed names; docs/formats.md lists them.
constexpr std::array<std::string_view, 15> kRunFiles{
    "manifest.json", "model.safetensors", "checkpoint.safetensors", "run.lock",      "train.json",
    "import.json",   "interpret.json",    "relevant.json",          "ablation.json", "responses.h5",
    "probe.h5",      "visualisations.h5", "evaluate.json",          "report.html",   "evaluate"};

bool same_name(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

/// A model alone is not a run: it may be what was exported or converted.
bool is_run(const fs::path& folder) {
    std::error_code error;
    return std::ranges::any_of(std::array{"manifest.json", "checkpoint.safetensors"},
                               [&](const char* name) { return fs::exists(folder / name, error); });
}

/// null for what is missing, not readable or not JSON.
json document(const fs::path& path) {
    try {
        return json::parse(read_file(path), nullptr, false);
    } catch (const InputError&) {
        return nullptr;
    }
}

bool is_of_command(const json& fields, const char* command) {
    return fields.is_object() && fields.value("command", json()) == command;
}

/// A safetensors file begins with the length of its header (8 bytes, little-endian) and the header, JSON.
json safetensors_metadata(const fs::path& path) {
    constexpr uint64_t longest = 100'000'000;
    const std::string length_bytes = read_start(path, 8);
    uint64_t length = 0;
    for (size_t i = length_bytes.size(); i-- > 0;) length = length << 8 | static_cast<uint8_t>(length_bytes[i]);
    if (length_bytes.size() < 8 || length > longest) return {};
    const std::string header = read_start(path, 8 + length);
    const json fields = json::parse(header.substr(8), nullptr, false);
    return fields.is_object() ? fields.value("__metadata__", json()) : json();
}

bool ours(const fs::path& path, OutputKind kind) {
    switch (kind) {
        case OutputKind::picture: {
            const auto texts = png_texts(path);
            return texts.contains("Software") && texts.at("Software") == "Spikelens";
        }
        case OutputKind::values: {
            const auto texts = png_texts(fs::path(path).replace_extension(".png"));
            return texts.contains("Values") && texts.at("Values") == sha256_of_bytes(read_file(path));
        }
        case OutputKind::explanations:
            return is_of_command(document(path), "explain");
        case OutputKind::codings:
            return is_of_command(document(path), "codings");
        case OutputKind::report:
            return read_start(path, 8192).find("<meta name=\"generator\" content=\"Spikelens") != std::string::npos;
        case OutputKind::model: {
            const json metadata = safetensors_metadata(path);
            return metadata.is_object() &&
                   (metadata.contains("spikelens") || metadata.contains("spikelens.checkpoint"));
        }
        case OutputKind::nir: {
            const std::string bytes = read_file(path);
            return bytes.starts_with("\x89HDF\r\n\x1a\n") && bytes.find("writer") != std::string::npos &&
                   bytes.find("spikelens") != std::string::npos;
        }
    }
    return false;
}

bool known_as_ours(const fs::path& path, OutputKind kind) {
    try {
        return ours(path, kind);
    } catch (const InputError&) {  // not readable
        return false;
    }
}

[[noreturn]] void refuse(const fs::path& path, const std::string& why) { throw InputError(path.string() + " " + why); }

/// The nearest folder above that is there must take new files.
void check_folder(const fs::path& path) {
    std::error_code error;
    fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
    while (!fs::exists(fs::symlink_status(folder, error))) {
        if (!folder.has_parent_path() || folder.parent_path() == folder) {
            folder = ".";
            break;
        }
        folder = folder.parent_path();
    }
    if (!fs::is_directory(folder, error)) refuse(path, "cannot be written: " + folder.string() + " is not a folder");
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        refuse(path, "cannot be written: the folder " + folder.string() + " takes no new files");
}

void check_file(const fs::path& path, OutputKind kind) {
    std::error_code error;
    const fs::file_status link = fs::symlink_status(path, error), status = fs::status(path, error);
    if (!fs::exists(link)) return;
    if (fs::is_directory(status)) refuse(path, "is a folder; expected the name of a file");
    if (!fs::exists(status)) refuse(path, "is a link that leads nowhere; remove it, or choose another name");
    if (!fs::is_regular_file(status)) refuse(path, "is not a file that can be replaced; choose another name");
    if (!known_as_ours(path, kind))
        refuse(path,
               "is there already and was not written by Spikelens as such a file; choose another name, or remove it");
}

/// Whether a file of a run says itself that it is ours; the other ones belong to the model beside them.
bool says_ours(const fs::path& path) {
    const std::string name = path.filename().string();
    if (name.ends_with(".safetensors")) return known_as_ours(path, OutputKind::model);
    if (name != "manifest.json") return false;
    const json fields = document(path);
    return fields.is_object() && fields.contains("spikelens");
}

bool tells_itself(std::string_view name) { return name == "manifest.json" || name.ends_with(".safetensors"); }

}  // namespace

bool is_model_file(const fs::path& path) {
    try {
        const json metadata = safetensors_metadata(path);
        return metadata.is_object() && metadata.contains("spikelens");
    } catch (const InputError&) {
        return false;
    }
}

void check_output(const fs::path& path, OutputKind kind) {
    const std::string name = path.filename().string();
    if (name.empty() || name == "." || name == "..") refuse(path, "is no name of a file");
    const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
    const bool kept = std::ranges::any_of(kRunFiles, [&](std::string_view file) { return same_name(file, name); });
    if (kept && is_run(folder) && !(kind == OutputKind::report && name == "report.html"))
        refuse(path, "is a name that the run directory " + folder.string() + " keeps for itself; choose another one");
    if (folder.filename() == "evaluate" && is_run(folder.parent_path().empty() ? "." : folder.parent_path()))
        refuse(path, "is in a folder that a run directory keeps for itself; choose another one");
    check_folder(path);
    check_file(path, kind);
}

void check_run_folder(const fs::path& folder) {
    std::error_code error;
    check_folder(folder / "manifest.json");
    const bool run = std::ranges::any_of(std::array{"manifest.json", "model.safetensors", "checkpoint.safetensors"},
                                         [&](const char* name) { return says_ours(folder / name); });
    for (const std::string_view name : kRunFiles) {
        const fs::path path = folder / name;
        if (name == "evaluate" || name == "report.html" || name == "run.lock")
            continue;  // nothing is written over these
        if (!fs::exists(fs::symlink_status(path, error))) continue;
        if (!fs::is_regular_file(path, error) || (tells_itself(name) ? !says_ours(path) : !run))
            refuse(path, "is there already and was not written by Spikelens; choose another folder");
    }
}

void check_explanations_folder(const fs::path& folder, const fs::path& run) {
    std::error_code error;
    fs::path whole = fs::weakly_canonical(folder, error);
    if (!whole.has_filename()) whole = whole.parent_path();
    if (is_run(whole))
        refuse(folder, "is a run directory, which keeps explanations in " + (folder / "explain").string());
    if (same_name(whole.filename().string(), "explain") && is_run(whole.parent_path()) &&
        !fs::equivalent(whole.parent_path(), run, error))
        refuse(folder, "is where another run keeps its explanations; choose another folder");
}

std::string file_name_part(std::string_view text) {
    constexpr size_t longest = 80;
    std::string part;
    for (char c : text) {
        const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                          c == '-' || c == '_' || static_cast<uint8_t>(c) >= 0x80;
        part += kept && !(part.empty() && (c == '.' || c == '-')) ? c : part.empty() ? '_' : '-';
    }
    if (part.size() <= longest) return part;
    size_t end = longest;
    while (end > 0 && (static_cast<uint8_t>(part[end]) & 0xC0) == 0x80) --end;  // not within a character
    return part.substr(0, end);
}

}  // namespace spikelens
