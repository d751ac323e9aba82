#include "spikelens/pipeline/shard.h"

#include <charconv>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {

Shard parse_shard(std::string_view text) {
    Shard shard;
    const char* const end = text.data() + text.size();
    const auto number = std::from_chars(text.data(), end, shard.number);
    if (number.ec == std::errc{} && number.ptr != end && *number.ptr == '/') {
        const auto count = std::from_chars(number.ptr + 1, end, shard.count);
        const bool fits = shard.number >= 1 && shard.number <= shard.count && shard.count <= 100000;
        if (count.ec == std::errc{} && count.ptr == end && fits) return shard;
    }
    throw InputError(fmt::format("the shard is '{}', expected i/n with 1 ≤ i ≤ n ≤ 100000, such as 2/7", text));
}

std::string shard_text(const Shard& shard) { return fmt::format("{}/{}", shard.number, shard.count); }

ShardRange range_of(const Shard& shard, int64_t items) {
    return {(shard.number - 1) * items / shard.count, shard.number * items / shard.count};
}

std::filesystem::path shards_of(const RunDirectory& run) { return run.root / "shards"; }

RunDirectory shard_directory(const RunDirectory& run, const std::string& stage, const Shard& shard) {
    return {shards_of(run) / fmt::format("{}-{}-of-{}", stage, shard.number, shard.count)};
}

}  // namespace spikelens
