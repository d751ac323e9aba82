#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <nanobind/nanobind.h>

#include "spikelens/core/execution.h"

namespace spikelens::python {

namespace nb = nanobind;

/// How a call is to work, as Python says it.
struct Settings {
    int threads = 0;
    int64_t memory = Execution{}.memory;
    std::string kernel;
    nb::object progress = nb::none();  ///< None, or f(task, done, total, detail)

    bool operator==(const Settings& other) const {
        return threads == other.threads && memory == other.memory && kernel == other.kernel;
    }
};

/// What the call under way and the library tell each other: whether to stop, and how far it is.
class Line {
  public:
    bool stopped() const { return stop_; }
    void stop() { stop_ = true; }
    void clear();
    void say(const ProgressEvent& event);
    /// The event that was said last, once.
    std::optional<ProgressEvent> newest();

  private:
    std::atomic<bool> stop_ = false;
    std::mutex mutex_;
    std::optional<ProgressEvent> event_;
};

/// An execution that hears and speaks through this line.
Execution execution_of(const Settings& settings, const std::shared_ptr<Line>& line);

/// Runs `work` on a thread of its own without the GIL, and waits. Meanwhile signals are heard (Ctrl-C stops the work
/// and raises KeyboardInterrupt) and progress is told, in the calling thread. Throws what the work throws; an exception
/// of a signal or of the progress function comes first. No thread is left behind.
void run_without_gil(Line& line, const nb::object& progress, const std::function<void()>& work);

/// The same with a result.
template <class Work>
auto call(Line& line, const Settings& settings, const Work& work) {
    std::optional<std::invoke_result_t<Work>> result;
    run_without_gil(line, settings.progress, [&] { result.emplace(work()); });
    return std::move(*result);
}

void bind_settings(nb::module_& module);

}  // namespace spikelens::python
