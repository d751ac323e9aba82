#pragma once

#include <exception>
#include <filesystem>
#include <string>
#include <utility>

#include "spikelens/pipeline/run.h"

namespace spikelens {

/// Removes a shard's folder in which nothing is kept. The caller holds its lock.
void remove_empty_shard(const std::filesystem::path& directory);

/// Does so at its end. Whoever has one holds the shard's lock longer.
class EmptyShard {
  public:
    explicit EmptyShard(std::filesystem::path directory) : directory_(std::move(directory)) {}
    EmptyShard(const EmptyShard&) = delete;
    EmptyShard& operator=(const EmptyShard&) = delete;
    ~EmptyShard() {
        try {
            remove_empty_shard(directory_);
        } catch (const std::exception&) {  // it means nothing, and the stage or merge removes it
        }
    }

  private:
    std::filesystem::path directory_;
};

/// Removes what shards of a stage computed of results that the run has whole, and their empty folders; not those that
/// another process computes. The caller holds the run's lock.
void remove_superseded_shards(const Run& run, const std::string& stage);

}  // namespace spikelens
