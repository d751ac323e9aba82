#include "spikelens/data/download.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/data/dataset.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "part_file.h"
#include "registry.h"
#include "transfer.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

/// One file on its way to its folder.
struct Job {
    const RemoteFile& file;
    fs::path target, part;
    const Progress& progress;
    int stall_seconds;

    void report(uint64_t held) const {
        const uint64_t total = std::max(held, file.bytes);
        report_progress(progress, "downloading " + file.name, static_cast<int64_t>(held), static_cast<int64_t>(total));
    }
};

void check_request(const std::vector<std::string>& mirrors, const std::vector<RemoteFile>& files, int stall_seconds) {
    if (mirrors.empty()) throw InputError("there is no mirror to download from");
    for (const std::string& mirror : mirrors)
        if (!mirror.starts_with("http://") && !mirror.starts_with("https://"))
            throw InputError("the mirror '" + mirror + "' is not an http or https address");
    if (stall_seconds < 1)
        throw InputError("stall_seconds is " + std::to_string(stall_seconds) + ", expected at least 1");
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    for (const RemoteFile& file : files) {
        if (file.name.empty() || file.name == "." || file.name == ".." || file.name.find('/') != std::string::npos)
            throw InputError("'" + file.name + "' is not the name of a file to download");
        if (file.sha256.size() != 64 || !std::ranges::all_of(file.sha256, is_hex))
            throw InputError("the checksum '" + file.sha256 + "' of " + file.name + " is not 64 lower-case hex digits");
    }
}

bool has_right_bytes(const fs::path& path, const RemoteFile& file) {
    std::error_code error;
    return fs::is_regular_file(path, error) && sha256_of_file(path) == file.sha256;
}

/// Why what came is not the file; empty when it is.
std::string fault(const Job& job) {
    const uint64_t held = FileReader(job.part).size();
    if (job.file.bytes > 0 && held != job.file.bytes)
        return fmt::format("sent {} bytes instead of {}", held, job.file.bytes);
    if (!has_right_bytes(job.part, job.file)) return "sent a file with a wrong checksum";
    return {};
}

void finish(const Job& job, PartFile& part) {
    part.move_to(job.target);
    job.report(part.size());
}

/// Why this address did not give the file; empty when it did.
std::string fetch_from(const Job& job, PartFile& part, const std::string& address) {
    const auto watch = [&](uint64_t held) { job.report(held); };
    for (;;) {
        const Transfer result = transfer(address, part, job.file.bytes, job.stall_seconds, watch);
        if (result.end == Transfer::End::interrupted) return result.reason;
        std::string reason = result.end == Transfer::End::complete ? fault(job) : result.reason;
        if (reason.empty()) return {};
        part.clear();
        // What was continued may have begun wrong elsewhere: once more, from its start.
        if (!result.continued) return reason;
    }
}

void fetch_from_any(const Job& job, PartFile& part, const std::vector<std::string>& mirrors) {
    std::vector<std::string> reasons;
    for (const std::string& mirror : mirrors) {
        const std::string reason = fetch_from(job, part, mirror + (mirror.ends_with('/') ? "" : "/") + job.file.name);
        if (reason.empty()) return finish(job, part);
        reasons.push_back(fmt::format("{} ({})", mirror, reason));
    }
    if (part.size() == 0) remove_file(job.part);
    throw RunError(fmt::format("cannot download {}: {}", job.file.name, fmt::join(reasons, "; ")));
}

void fetch(const Job& job, const std::vector<std::string>& mirrors) {
    if (has_right_bytes(job.target, job.file)) return job.report(FileReader(job.target).size());
    PartFile part(job.part);
    // Another process may have finished the file before it let go of the part.
    if (has_right_bytes(job.target, job.file)) return job.report(FileReader(job.target).size());
    if (has_right_bytes(job.part, job.file)) return finish(job, part);
    if (job.file.bytes > 0 && part.size() >= job.file.bytes) part.clear();
    fetch_from_any(job, part, mirrors);
}

}  // namespace

void download_files(const std::vector<std::string>& mirrors, const std::vector<RemoteFile>& files,
                    const fs::path& folder, const Progress& progress, int stall_seconds) {
    check_request(mirrors, files, stall_seconds);
    make_folders(folder);
    for (const RemoteFile& file : files)
        fetch({file, folder / file.name, folder / (file.name + ".part"), progress, stall_seconds}, mirrors);
}

fs::path download_dataset(const std::string& name, const Progress& progress) {
    const KnownDataset* known = find_known(name);
    if (!known) throw InputError("there is no data set '" + name + "' to download" + suggestion(name, known_names()));
    if (known->mirrors.empty()) throw InputError("the data set " + name + " is not downloadable");
    fs::path folder = cache_folder() / known->name;
    download_files(known->mirrors, known->files, folder, progress);
    return folder;
}

}  // namespace spikelens
