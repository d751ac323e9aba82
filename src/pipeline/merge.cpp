#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/core/version.h"
#include "spikelens/io/folders.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/run_lock.h"
#include "spikelens/pipeline/shard.h"
#include "spikelens/pipeline/shard_folders.h"
#include "spikelens/pipeline/store.h"

#include "scores.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// What one shard computed for a file of the run.
struct Part {
    fs::path path;
    Shard shard;
    json identity;  ///< as the file has it, with the shard
};

/// What the file of the run depends on, whatever its shards.
Identity whole(const Part& part) {
    json inputs = part.identity;
    inputs.erase("shard");
    return Identity(std::move(inputs));
}

std::string why_foreign(const Run& run, const Part& part) {
    json needed = {{"spikelens", version}};
    std::string coding;  // of an evaluation, which may show images in another one than the run's
    if (part.identity.contains("coding_of_run")) {
        needed["coding_of_run"] = run.coding_or_direct();
        if (part.identity.contains("coding") && part.identity["coding"].is_string()) coding = part.identity["coding"];
    }
    const Identity current = naming(part.path, [&] { return run.identity(coding).with(needed); });
    if (std::string reason = current.difference(part.identity); !reason.empty()) return reason;
    const std::array files = {std::pair{"relevant", run.files.relevant()}, std::pair{"probe", run.files.probe()}};
    for (const auto& [input, file] : files)
        if (part.identity.contains(input) && part.identity[input] != digest_in(file))
            return fmt::format("other {}", input);
    return {};
}

Part read_part(const Run& run, const fs::path& path) {
    Part part{path, {}, stored_identity(path)};
    const json shard = part.identity.is_object() ? part.identity.value("shard", json()) : json();
    if (!shard.is_string()) throw InputError(path.string() + " does not say which shard it is");
    naming(path, [&] { part.shard = parse_shard(shard.get<std::string>()); });
    if (const std::string reason = why_foreign(run, part); !reason.empty())
        throw InputError(fmt::format("{} was made with {}: make this shard anew or remove it", path.string(), reason));
    return part;
}

/// The folders of a stage's shards; without a stage of all.
std::vector<fs::directory_entry> shard_directories(const RunDirectory& run, const std::string& stage) {
    const std::string begin = stage.empty() ? "" : stage + "-";
    const fs::path shards = shards_of(run);
    if (!fs::is_directory(shards)) return {};
    return entries_of(shards, [&](const fs::directory_entry& entry) {
        return entry.is_directory() && entry.path().filename().string().starts_with(begin);
    });
}

/// What a shard keeps in its folder.
std::vector<fs::path> files_in(const fs::path& directory) {
    std::vector<fs::path> files;
    const auto any = [](const fs::directory_entry&) { return true; };
    for (const fs::directory_entry& entry : entries_of(directory, any)) {
        if (entry.is_directory() && !entry.is_symlink())
            std::ranges::copy(files_in(entry), std::back_inserter(files));
        else if (entry.is_regular_file() && entry.path().extension() == ".h5")
            files.push_back(entry);
    }
    return files;
}

/// The shards' files, by the file of the run that they become.
using Parts = std::map<fs::path, std::vector<Part>>;

Parts find_parts(const Run& run, const std::vector<fs::directory_entry>& directories,
                 const std::vector<std::string>& wanted) {
    Parts parts;
    const auto is_wanted = [&](const fs::path& file) {
        return wanted.empty() || std::ranges::find(wanted, file.generic_string()) != wanted.end();
    };
    for (const fs::path& directory : directories)
        for (const fs::path& path : files_in(directory))
            if (const fs::path file = path.lexically_relative(directory); is_wanted(file))
                parts[file].push_back(read_part(run, path));
    if (parts.empty())
        throw InputError(fmt::format("{} holds no shards to merge: compute shards of interpret or evaluate first",
                                     run.files.root.string()));
    return parts;
}

bool is_complete(const std::vector<Part>& division) {
    std::set<int64_t> numbers;
    for (const Part& part : division) numbers.insert(part.shard.number);
    return std::ssize(numbers) == division.front().shard.count;
}

/// The parts of a file that divide its samples alike: all of them or, of several divisions, the complete one. The
/// others' paths go into `left`.
std::vector<Part> complete_division(std::vector<Part> parts, std::vector<std::string>& left) {
    std::map<int64_t, std::vector<Part>> divisions;
    for (Part& part : parts) divisions[part.shard.count].push_back(std::move(part));
    auto chosen = divisions.begin();
    if (divisions.size() > 1) {
        const auto complete = [](const auto& division) { return is_complete(division.second); };
        chosen = std::ranges::find_if(divisions, complete);
        const Part &one = divisions.begin()->second.front(), &other = divisions.rbegin()->second.front();
        if (std::ranges::count_if(divisions, complete) != 1)
            throw InputError(
                fmt::format("{} is shard {} and {} is shard {}: they divide the samples differently, and {} division "
                            "is complete: {}",
                            one.path.string(), shard_text(one.shard), other.path.string(), shard_text(other.shard),
                            chosen == divisions.end() ? "no" : "more than one",
                            chosen == divisions.end() ? "compute what one lacks, or remove the shards of all but one"
                                                      : "remove the shards of all but one"));
    }
    for (const auto& [count, division] : divisions)
        if (count != chosen->first)
            for (const Part& part : division) left.push_back(part.path.string());
    return std::move(chosen->second);
}

/// Sorts the parts of a file; each shard must be there once, all of the same options.
void check_parts(const fs::path& file, std::vector<Part>& parts) {
    std::ranges::sort(parts, {}, [](const Part& part) { return std::pair(part.shard.number, part.path); });
    const Part& first = parts.front();
    for (size_t i = 0; i < parts.size(); ++i) {
        const Part& part = parts[i];
        if (const std::string other = whole(first).difference(whole(part).inputs()); !other.empty())
            throw InputError(fmt::format("{} was made with {}, as {} says: make one of them anew, or remove it",
                                         part.path.string(), other, first.path.string()));
        if (i > 0 && part.shard.number == parts[i - 1].shard.number)
            throw InputError(fmt::format("{} and {} are both shard {}: remove one of them", parts[i - 1].path.string(),
                                         part.path.string(), shard_text(part.shard)));
    }
    for (int64_t number = 1; number <= first.shard.count; ++number) {
        const auto at = static_cast<size_t>(number - 1);
        if (at >= parts.size() || parts[at].shard.number != number)
            throw InputError(fmt::format("shard {} of {} is missing: compute it, or remove the other shards",
                                         shard_text({number, first.shard.count}), file.string()));
    }
}

/// A shard that is through with all of its samples; else it was stopped.
void check_complete(const Part& part, bool complete) {
    if (!complete)
        throw InputError(fmt::format("{} is not through with its samples: compute shard {} to its end",
                                     part.path.string(), shard_text(part.shard)));
}

ResponseSums load_part(const Part& part, int64_t samples) {
    ResponseSums sums = load_responses(part.identity, part.path);
    const auto [first, end] = range_of(part.shard, (samples + sums.block - 1) / sums.block);
    check_complete(part, sums.first == first * sums.block && sums.end() == std::min(end * sums.block, samples));
    return sums;
}

MethodScores load_scores_part(const Part& part, int64_t samples) {
    MethodScores scores = load_scores(Identity(part.identity), part.path);
    const auto [first, end] = range_of(part.shard, samples);
    const auto through = [&, count = end - first](const auto& of) { return of.second == count; };
    check_complete(part, scores.done == end - first && std::ranges::all_of(scores.measured, through));
    return scores;
}

/// Two at a time, from left to right: the bits are those of all at once, and the memory is not.
template <class Result>
Result merged(const std::vector<Part>& parts, Result (*load)(const Part&, int64_t), int64_t samples) {
    std::optional<Result> all;
    for (const Part& part : parts)
        naming(part.path, [&] {
            Result more = load(part, samples);
            all = all ? merge(std::array{std::move(*all), std::move(more)}) : std::move(more);
        });
    return std::move(*all);
}

/// Metrics that the run has of the same evaluation stay.
void join_metrics(MethodScores& scores, const MethodScores& held) {
    if (held.done != scores.done) return;
    scores.measured.insert(held.measured.begin(), held.measured.end());
    scores.metrics.insert(held.metrics.begin(), held.metrics.end());
}

int64_t samples_of(const Part& part) {
    const json samples = part.identity.value("samples", json());
    if (!samples.is_number_integer() || samples < 0 || samples > int64_t{1} << 40)
        throw InputError(part.path.string() + " does not say of how many samples it is a shard");
    return samples;
}

/// What is to be written, once all that is merged was found whole.
struct Whole {
    fs::path path;
    Identity identity;
    std::optional<ResponseSums> sums;
    MethodScores scores;
};

/// Scores of another evaluation of this model are hours of somebody's work, and the shards are not lost by waiting.
/// Those of another model or other data nobody can use any more.
void refuse_to_replace(const fs::path& path, const Identity& identity) {
    if (!fs::exists(path)) return;
    const json stored = stored_identity(path);
    const json& needed = identity.inputs();
    for (const char* name : {"model", "data"})
        if (!stored.is_object() || stored.value(name, json()) != needed.value(name, json())) return;
    const std::string difference = identity.difference(stored);
    if (!difference.empty())
        throw InputError(fmt::format(
            "{} is of another evaluation than the shards, made with {}; merging would replace it: move it away",
            path.string(), difference));
}

Whole put_together(const Run& run, const fs::path& file, const std::vector<Part>& parts, bool replace) {
    Whole all{run.files.root / file, whole(parts.front()), {}, {}};
    if (all.path == run.files.responses()) {
        all.sums = merged<ResponseSums>(parts, load_part, samples_of(parts.front()));
    } else {
        if (!replace) refuse_to_replace(all.path, all.identity);
        all.scores = merged<MethodScores>(parts, load_scores_part, samples_of(parts.front()));
        join_metrics(all.scores, load_scores(all.identity, all.path));
    }
    return all;
}

/// Removes the folder of all shards after its last one.
void remove_without_shards(const RunDirectory& run) {
    std::error_code holds_shards;
    if (const fs::path shards = shards_of(run); !fs::is_symlink(shards)) fs::remove(shards, holds_shards);
}

/// The folders of which nothing is left once all parts are removed.
std::vector<fs::path> emptied(const std::vector<fs::directory_entry>& directories, const Parts& parts) {
    std::set<fs::path> merged;
    for (const auto& [file, of_file] : parts)
        for (const Part& part : of_file) merged.insert(part.path);
    std::vector<fs::path> found;
    for (const fs::directory_entry& directory : directories)
        if (std::ranges::all_of(files_in(directory), [&](const fs::path& path) { return merged.contains(path); }))
            found.push_back(directory);
    return found;
}

/// Removes shards that were merged, and folders. What a folder is known to hold goes without listing it: a disk that
/// cannot be read then leaves no folder with a lock alone, which merge would refuse.
void remove_merged(const Parts& parts, const std::vector<fs::path>& folders) {
    for (const auto& [file, of_file] : parts)
        for (const Part& part : of_file) fs::remove(part.path);
    for (const fs::path& folder : folders) {
        std::error_code filled;
        fs::remove(folder / "run.lock");
        for (const auto& [file, of_file] : parts)
            for (fs::path below = file.parent_path(); !below.empty(); below = below.parent_path())
                fs::remove(folder / below, filled);
        if (!fs::remove(folder, filled)) fs::remove_all(folder);
    }
}

/// Whether the run has all of a file that a shard's file, at `path`, is a part of.
bool has_whole(const Run& run, const fs::path& name, const fs::path& path) {
    const fs::path file = run.files.root / name;
    try {
        const Part part{path, {}, stored_identity(path)};
        if (!part.identity.is_object() || !fs::exists(file)) return false;
        const Identity identity = whole(part);
        if (!identity.difference(stored_identity(file)).empty()) return false;
        const int64_t samples = samples_of(part);
        if (file == run.files.responses()) return load_responses(identity.inputs(), file).samples >= samples;
        const MethodScores held = load_scores(identity, file), scores = load_scores(Identity(part.identity), path);
        return std::ranges::all_of(scores.measured,
                                   [&](const auto& of) { return held.measured_by(of.first) == samples; });
    } catch (const InputError&) {  // damaged, or no file of ours
        return false;
    }
}

/// Whether these are left of shards that were merged already: a merge was stopped while it removed them.
bool left_by_merge(const Run& run, const fs::path& file, const std::vector<Part>& parts) {
    return !is_complete(parts) &&
           std::ranges::all_of(parts, [&](const Part& part) { return has_whole(run, file, part.path); });
}

}  // namespace

void check_division(const Run& run, const std::string& stage, int64_t count) {
    remove_superseded_shards(run, stage);
    const std::string end = fmt::format("-of-{}", count);
    for (const fs::path& directory : shard_directories(run.files, stage))
        if (!directory.filename().string().ends_with(end) && !files_in(directory).empty())
            throw InputError(
                fmt::format("{} is of another division than one into {}: let as many processes finish it, or remove it",
                            directory.string(), count));
}

void remove_empty_shard(const fs::path& directory) {
    if (fs::is_directory(directory) && files_in(directory).empty()) fs::remove_all(directory);
}

void remove_superseded_shards(const Run& run, const std::string& stage) {
    for (const fs::path& directory : shard_directories(run.files, stage)) {
        std::unique_ptr<const RunLock> lock;
        try {
            lock = std::make_unique<const RunLock>(directory);
        } catch (const RunError&) {  // another process computes it
            continue;
        }
        for (const fs::path& path : files_in(directory))
            if (has_whole(run, path.lexically_relative(directory), path)) fs::remove(path);
        remove_empty_shard(directory);
    }
    remove_without_shards(run.files);
}

MergeResult merge_shards(const Run& run, const Execution& execution, const MergeOptions& options) {
    const std::vector<fs::directory_entry> directories = shard_directories(run.files, options.stage);
    std::vector<std::unique_ptr<const RunLock>> locks;
    for (const fs::path& directory : directories) locks.push_back(std::make_unique<const RunLock>(directory));

    Parts parts = find_parts(run, directories, options.files);
    MergeResult result{.run = run.files.root.string(), .merged = {}, .left = {}};
    std::vector<Whole> wholes;
    for (auto& [file, of_file] : parts) {
        of_file = complete_division(std::move(of_file), result.left);
        if (!left_by_merge(run, file, of_file)) {
            check_parts(file, of_file);
            wholes.push_back(put_together(run, file, of_file, options.replace));
        }
        result.merged.push_back({file.generic_string(), of_file.front().shard.count, samples_of(of_file.front())});
    }
    const std::vector<fs::path> folders = emptied(directories, parts);
    for (const Whole& all : wholes)
        if (all.sums)
            save_responses(*all.sums, all.identity.inputs(), all.path, execution);
        else
            save_scores(all.scores, all.identity, all.path);
    remove_merged(parts, folders);
    remove_without_shards(run.files);
    return result;
}

}  // namespace spikelens
