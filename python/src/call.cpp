#include "call.h"

#include <nanobind/stl/string.h>

namespace spikelens::python {
namespace {

using namespace std::chrono_literals;
constexpr auto kBetweenLooks = 50ms;  ///< at signals and progress

void tell(const nb::object& progress, Line& line) {
    const auto event = line.newest();
    if (event && !progress.is_none()) progress(event->task, event->done, event->total, event->detail);
}

/// What a signal handler or the progress function raised; nothing when all is well.
std::exception_ptr look(const nb::object& progress, Line& line) {
    try {
        if (PyErr_CheckSignals() != 0) nb::raise_python_error();
        tell(progress, line);
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

}  // namespace

void Line::clear() {
    const std::lock_guard lock(mutex_);
    stop_ = false;
    event_.reset();
}

void Line::say(const ProgressEvent& event) {
    const std::lock_guard lock(mutex_);
    event_ = event;
}

std::optional<ProgressEvent> Line::newest() {
    const std::lock_guard lock(mutex_);
    return std::exchange(event_, std::nullopt);
}

Execution execution_of(const Settings& settings, const std::shared_ptr<Line>& line) {
    Execution execution;
    execution.threads = settings.threads;
    execution.memory = settings.memory;
    execution.kernel = settings.kernel;
    execution.progress = [line](const ProgressEvent& event) { line->say(event); };
    execution.cancelled = [line] { return line->stopped(); };
    return execution;
}

void run_without_gil(Line& line, const nb::object& progress, const std::function<void()>& work) {
    std::exception_ptr failure, raised;
    {
        const nb::gil_scoped_release without_gil;
        std::mutex mutex;
        std::condition_variable change;
        bool done = false;
        std::jthread worker([&] {
            try {
                work();
            } catch (...) {
                failure = std::current_exception();
            }
            const std::lock_guard lock(mutex);
            done = true;
            change.notify_one();
        });
        std::unique_lock lock(mutex);
        while (!change.wait_for(lock, kBetweenLooks, [&] { return done; })) {
            if (raised) continue;
            lock.unlock();
            {
                const nb::gil_scoped_acquire with_gil;
                raised = look(progress, line);
            }
            if (raised) line.stop();
            lock.lock();
        }
    }
    if (!raised) raised = look(progress, line);
    if (raised) std::rethrow_exception(raised);
    if (failure) std::rethrow_exception(failure);
}

void bind_settings(nb::module_& module) {
    nb::class_<Settings>(module, "Settings",
                         "How a call works: threads, bytes of memory, kernel, and who hears of its progress.")
        .def(
            "__init__",
            [](Settings* self, int threads, int64_t memory, const std::string& kernel, nb::object progress) {
                new (self) Settings{threads, memory, kernel, std::move(progress)};
            },
            nb::arg("threads") = 0, nb::arg("memory") = Execution{}.memory, nb::arg("kernel") = "",
            nb::arg("progress").none() = nb::none())
        .def_ro("threads", &Settings::threads)
        .def_ro("memory", &Settings::memory)
        .def_ro("kernel", &Settings::kernel);
}

}  // namespace spikelens::python
