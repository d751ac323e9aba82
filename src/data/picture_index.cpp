#include "picture_index.h"

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "spikelens/core/error.h"
#include "spikelens/core/version.h"
#include "spikelens/data/dataset.h"
#include "spikelens/io/files.h"
#include "spikelens/io/json_fields.h"
#include "spikelens/io/sha256.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
constexpr uint64_t kLargestFile = uint64_t{1} << 30;
constexpr int64_t kSettled = 2;  // seconds

/// How a file lies on disk; empty for one that has gone, or was changed a moment ago.
std::string stamp_of(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return {};
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    if (info.st_ctim.tv_sec + kSettled > now.count()) return {};
    return fmt::format("{} {} {} {}.{:09} {}.{:09}", info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                       info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
}

/// All that what is found of a file depends on, beside the file.
std::string key_of(const fs::path& folder, const PictureOptions& options) {
    const Framing& framing = options.framing;
    const auto& background = options.background.rgb;
    return json_text(
        {{"format", kFormat},
         {"version", version},
         {"folder", folder.string()},
         {"place", fs::canonical(folder).string()},
         {"framing", {framing.shorter, framing.height, framing.width, framing.crop_height, framing.crop_width}},
         {"background", background}},
        "the index of pictures");
}

PictureFacts read_facts(const JsonField& field) {
    PictureFacts facts;
    facts.sha256 = field["sha256"].text();
    if (field.has("error"))
        facts.error = field["error"].text();
    else
        for (const JsonField& extent : field["shape"].items()) facts.shape.push_back(extent.integer(1, 1 << 20));
    return facts;
}

}  // namespace

PictureIndex::PictureIndex(const fs::path& folder, const PictureOptions& options) {
    try {
        key_ = key_of(folder, options);
        file_ = cache_folder() / "pictures" / (sha256_of_bytes(key_) + ".json");
        if (fs::exists(file_)) load();
    } catch (const std::exception&) {  // nothing is known then, and all pictures are read
        kept_.clear();
    }
}

void PictureIndex::load() {
    const std::string where = file_.string();
    const json document = parse_json(read_file(file_, kLargestFile), where);
    const JsonField root(document, where);
    if (root["key"].text() != key_) return;
    const JsonField pictures = root["pictures"];
    for (const std::string& path : pictures.keys()) {
        const JsonField picture = pictures[path];
        kept_[path] = {picture["stamp"].text(), read_facts(picture)};
    }
}

std::optional<PictureFacts> PictureIndex::find(const std::string& path) {
    const std::string stamp = stamp_of(path);
    const std::lock_guard lock(mutex_);
    Known& seen = seen_[path];
    seen.stamp = stamp;
    const auto known = kept_.find(path);
    if (stamp.empty() || known == kept_.end() || known->second.stamp != stamp) return std::nullopt;
    return seen.facts = known->second.facts;
}

void PictureIndex::put(const std::string& path, const PictureFacts& facts) {
    const std::string stamp = stamp_of(path);
    const std::lock_guard lock(mutex_);
    Known& seen = seen_[path];
    if (seen.stamp != stamp) seen.stamp.clear();  // it was changed while it was read
    seen.facts = facts;
}

void PictureIndex::save() const {
    json pictures = json::object();
    bool changed = seen_.size() != kept_.size();
    for (const auto& [path, known] : seen_) {
        if (known.stamp.empty() || known.facts.sha256.empty()) continue;
        json& picture = pictures[path] = {{"stamp", known.stamp}, {"sha256", known.facts.sha256}};
        if (known.facts.error.empty())
            picture["shape"] = known.facts.shape;
        else
            picture["error"] = known.facts.error;
        const auto before = kept_.find(path);
        changed = changed || before == kept_.end() || before->second.stamp != known.stamp;
    }
    if (!changed || file_.empty() || static_cast<int64_t>(seen_.size()) < kWorthKeeping) return;
    try {
        write_file(file_, json_text({{"key", key_}, {"pictures", pictures}}, file_.string()));
    } catch (const std::exception&) {  // the next opening reads all pictures again, and finds the same
        return;
    }
}

}  // namespace spikelens
