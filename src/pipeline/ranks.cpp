#include "spikelens/pipeline/ranks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include <dlfcn.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "spikelens/core/error.h"
#include "spikelens/core/version.h"

#include "mpi_module.h"

namespace spikelens {
namespace {

using nlohmann::json;

constexpr int kLongest = 2048;      ///< bytes of a message
constexpr size_t kSentence = 1500;  ///< bytes of an error in a message
constexpr std::chrono::milliseconds kPause{20};
constexpr std::chrono::microseconds kShortPause{50};
constexpr std::chrono::seconds kUntilEnded{20};

/// How many processes a launcher says it has started with this one; 1 without a launcher.
int launched() {
    int most = 1;
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"})
        if (const char* const text = std::getenv(name)) {
            int count = 1;
            std::from_chars(text, text + std::string_view(text).size(), count);
            most = std::max(most, count);
        }
    return most;
}

const SpikelensMpi& load_module(int count) {
    const std::string name = fmt::format("libspikelens_mpi-{}.so", version);
    void* const library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL);  // Open MPI's own parts look for its symbols
    const auto* const mpi = library ? static_cast<const SpikelensMpi*>(::dlsym(library, "spikelens_mpi")) : nullptr;
    if (!mpi)
        throw RunError(
            fmt::format("this is one of {} processes of a job, and Spikelens' library for MPI could not be loaded: "
                        "{}; shards, computed one by one and merged, need none",
                        count, ::dlerror()));
    if (std::string_view(mpi->version) != version)
        throw RunError(fmt::format("{} belongs to Spikelens {}, expected {}", name, mpi->version, version));
    return *mpi;
}

}  // namespace

std::unique_ptr<Ranks> Ranks::join() {
    const int expected = launched();
    if (expected == 1) return nullptr;
    const SpikelensMpi& mpi = load_module(expected);
    int number = 0, count = 0;
    if (const char* const failure = mpi.start(&number, &count)) throw RunError(failure);
    if (count != expected)
        throw InputError(
            fmt::format("{} processes were started, and MPI knows of {}: start them with a launcher that tells "
                        "them of each other, such as mpirun or srun --mpi=pmix",
                        expected, count));
    return std::unique_ptr<Ranks>(new Ranks(mpi, number, count));
}

void Ranks::send(const std::string& message, bool needed) const {
    while (!mpi_.send(message.data(), static_cast<int>(message.size())) && needed) std::this_thread::sleep_for(kPause);
}

void Ranks::tell(const ProgressEvent& event) {
    const bool ends = event.done >= event.total;
    const json message = {{"task", event.task}, {"done", event.done}, {"total", event.total}};
    const std::lock_guard lock(mutex_);
    send(message.dump(), ends);
}

void Ranks::hear() {
    std::array<char, kLongest> bytes{};
    int size = 0, sender = 0;
    while (mpi_.receive(bytes.data(), kLongest, &size, &sender)) {
        const json message = json::parse(bytes.begin(), bytes.begin() + size);
        if (message.contains("failed")) {
            const std::string sentence =
                fmt::format("process {} of {}: {}", sender + 1, count_, std::string(message["failed"]));
            if (message["status"] == 2) throw InputError(sentence);
            throw RunError(sentence);
        }
        if (message.contains("through")) {
            ++through_;
            continue;
        }
        std::vector<Share>& shares = shares_[message["task"]];
        shares.resize(static_cast<size_t>(count_));
        shares[static_cast<size_t>(sender)] = {message["done"], message["total"]};
    }
}

/// Of a process that has told nothing of the task, as much as of the first is expected.
ProgressEvent Ranks::of_all(const ProgressEvent& own) {
    std::vector<Share>& shares = shares_[own.task];
    shares.resize(static_cast<size_t>(count_));
    shares[0] = {own.done, own.total};
    ProgressEvent all = own;
    all.done = all.total = 0;
    for (const Share& share : shares) {
        all.done += share.done;
        all.total += share.total > 0 ? share.total : own.total;
    }
    return all;
}

/// A part at a time: sizes in MPI are ints.
template <class Begin>
void Ranks::pass(std::span<std::byte> bytes, const Begin& begin) {
    constexpr size_t most = size_t{1} << 30;
    const std::lock_guard lock(mutex_);
    for (size_t first = 0; first < bytes.size(); first += most) {
        const std::span<std::byte> part = bytes.subspan(first, std::min(most, bytes.size() - first));
        begin(part.data(), static_cast<int>(part.size()));
        while (!mpi_.through()) {
            if (number_ == 0) hear();
            std::this_thread::sleep_for(kShortPause);
        }
    }
}

TrainTeam Ranks::team() {
    TrainTeam team{.number = number_, .count = count_};
    team.receive = [this](std::span<std::byte> bytes) {
        pass(bytes, [this](void* data, int size) { mpi_.begin_receive(data, size, number_ - 1); });
    };
    team.send = [this](std::span<std::byte> bytes) {
        pass(bytes, [this](const void* data, int size) { mpi_.begin_send(data, size, number_ + 1); });
    };
    team.take_last = [this](std::span<std::byte> bytes) {
        pass(bytes, [this](void* data, int size) { mpi_.begin_share(data, size, count_ - 1); });
    };
    return team;
}

void Ranks::wait_for_first() {
    std::byte nothing{};
    pass(std::span(&nothing, 1), [this](void* data, int size) { mpi_.begin_share(data, size, 0); });
}

Execution Ranks::sharing(Execution execution) {
    execution.progress = [this, further = std::move(execution.progress)](const ProgressEvent& event) {
        if (!first()) {
            tell(event);
            if (further) further(event);
            return;
        }
        ProgressEvent all;
        {
            const std::lock_guard lock(mutex_);
            hear();
            last_ = event;
            all = of_all(event);
        }
        if (further) further(all);
    };
    return execution;
}

void Ranks::wait_for_all(const Execution& sharing) {
    if (!first()) {
        const std::lock_guard lock(mutex_);
        send(R"({"through": true})", true);
        return;
    }
    while (through_ < count_ - 1) {
        std::this_thread::sleep_for(kPause);
        sharing.stop_if_cancelled();
        if (!last_.task.empty()) {
            if (sharing.progress) sharing.progress(ProgressEvent(last_));
        } else {
            const std::lock_guard lock(mutex_);
            hear();
        }
    }
}

void Ranks::report_failure(const std::string& sentence, int status) {
    if (first()) return;
    const json message = {{"failed", sentence.substr(0, kSentence)}, {"status", status}};
    {
        const std::lock_guard lock(mutex_);
        send(message.dump(-1, ' ', false, json::error_handler_t::replace), true);
    }
    std::this_thread::sleep_for(kUntilEnded);
}

void Ranks::abort(int status) const { mpi_.abort(status); }

void Ranks::finish() const { mpi_.finish(); }

}  // namespace spikelens
