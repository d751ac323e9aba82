#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "spikelens/core/progress.h"

namespace spikelens {

struct RemoteFile {
    std::string name;    ///< "train-images-idx3-ubyte.gz"
    std::string sha256;  ///< of the file as it is downloaded, lower-case hex
    uint64_t bytes = 0;  ///< exact size, 0 unknown
};

/// Fetches each file into `folder` from the first mirror that gives the right bytes. A partial file NAME.part is
/// continued with a range request; a file already there with the right checksum is not fetched again. Throws RunError
/// naming every mirror tried and why it failed, or when another process is fetching the same file; what came stays in
/// NAME.part for the next call. InputError for a mirror that is not http or https, a name with a slash, a malformed
/// checksum. Redirects are followed within http and https; proxy variables are honoured. A server that sends nothing
/// for about `stall_seconds` (averaged over a few seconds) is given up.
void download_files(const std::vector<std::string>& mirrors, const std::vector<RemoteFile>& files,
                    const std::filesystem::path& folder, const Progress& progress = {}, int stall_seconds = 30);

/// Downloads a known data set into cache_folder()/NAME and returns that folder. Throws InputError when it is not
/// downloadable.
std::filesystem::path download_dataset(const std::string& name, const Progress& progress = {});

}  // namespace spikelens
