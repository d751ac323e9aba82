#include "picture_ahead.h"

#include <exception>
#include <new>
#include <system_error>
#include <utility>

namespace spikelens {

PictureAhead::PictureAhead(int64_t room, int threads, std::function<Picture(const PictureFile&)> read)
    : room_(room), threads_(threads), read_(std::move(read)) {}

PictureAhead::~PictureAhead() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    workers_.clear();
}

void PictureAhead::expect(std::span<const PictureFile> files, int64_t bytes) {
    if (threads_ < 1) return;
    const std::lock_guard lock(mutex_);
    std::map<std::string, Entry> before = std::exchange(expected_, {});
    waiting_.clear();
    for (const PictureFile& file : files) {
        if ((std::ssize(expected_) + 1) * bytes > room_) break;
        if (auto known = before.extract(file.sha256)) {
            if (!known.mapped().under_way && !known.mapped().through) waiting_.push_back(file.sha256);
            expected_.insert(std::move(known));
        } else if (!expected_.contains(file.sha256)) {
            expected_[file.sha256].file = std::make_shared<const PictureFile>(file);
            waiting_.push_back(file.sha256);
        }
    }
    if (!waiting_.empty()) start_threads();
    changed_.notify_all();
}

/// Where the system starts no more threads, fewer or none read ahead.
void PictureAhead::start_threads() {
    try {
        while (std::ssize(workers_) < threads_) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
}

PictureAhead::Picture PictureAhead::take(const std::string& sha256) {
    std::unique_lock lock(mutex_);
    const auto found = [&] { return expected_.find(sha256); };
    changed_.wait(lock, [&] { return found() == expected_.end() || !found()->second.under_way; });
    if (found() == expected_.end()) return nullptr;
    return std::move(expected_.extract(found()).mapped().picture);
}

void PictureAhead::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
        if (ending_) return;
        const auto next = expected_.find(waiting_.front());
        waiting_.pop_front();
        if (next == expected_.end()) continue;  // whoever asked for it reads it
        next->second.under_way = true;
        const std::shared_ptr<const PictureFile> file = next->second.file;
        lock.unlock();
        Picture picture;
        try {
            picture = read_(*file);
        } catch (const std::exception&) {  // met again, where it belongs, by whoever asks for the picture
        }
        lock.lock();
        if (const auto entry = expected_.find(file->sha256); entry != expected_.end()) {
            entry->second.under_way = false;
            entry->second.through = true;
            entry->second.picture = std::move(picture);
        }
        changed_.notify_all();
    }
}

}  // namespace spikelens
