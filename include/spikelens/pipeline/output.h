#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace spikelens {

/// What a file that is about to be written is, and by what it is known again as one of ours:
///  picture       PNG: its text "Software" is "Spikelens"
///  values        NPY: the PNG of the same name is ours, and its text "Values" is the SHA-256 of this file
///  explanations  explain.json: an object whose "command" is "explain"
///  codings       codings.json: the same, "codings"
///  report        HTML: <meta name="generator" content="Spikelens …">
///  model         safetensors: the key "spikelens" in its metadata
///  nir           HDF5: "spikelens" as the writer in the graph's metadata
enum class OutputKind { picture, values, explanations, codings, report, model, nir };

/// Decides whether a file may be written; to be asked before anything is computed. What this program did not write is
/// never overwritten, nor is a file that a run directory keeps under that name (report.html but for reports). Throws
/// InputError, saying which, for a path that is such a file, a folder, a link that leads nowhere, something else than a
/// file, without a name, or below something that is no folder or cannot be written to. Looks at the file alone: between
/// two calls others may write it.
void check_output(const std::filesystem::path& path, OutputKind kind);

/// Whether the file is a model of ours, by that key. False for what cannot be read.
bool is_model_file(const std::filesystem::path& path);

/// What check_output says, for a folder that is about to become a run directory, or is one: it is missing, or a folder
/// in which the files that training and interpreting keep by name (manifest.json, model.safetensors, responses.h5, …)
/// are ours or missing.
void check_run_folder(const std::filesystem::path& folder);

/// The same for a folder that explanations of a run are to be written into: it is no run directory, and not the folder
/// in which another run keeps its explanations.
void check_explanations_folder(const std::filesystem::path& folder, const std::filesystem::path& run);

/// Text as a part of a file name on any system: letters, digits, '.', '-', '_' and what is not ASCII stay, the rest
/// becomes
/// '-'; no '.' or '-' at the beginning; at most 80 bytes, whole characters of UTF-8. Not unique: "a:b" and "a/b" give
/// the same.
std::string file_name_part(std::string_view text);

}  // namespace spikelens
