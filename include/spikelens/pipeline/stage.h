#pragma once

#include <functional>
#include <string>

namespace spikelens {

/// What a stage tells whoever called it, beside its progress (core/execution.h) and its result. Each may be empty.
struct StageNotes {
    /// A line to show: a warning, or what is made anew or left out and why.
    std::function<void(const std::string&)> message;
    /// What is kept from here on when the stage is stopped: "2 epochs are kept".
    std::function<void(const std::string&)> kept;
    /// What a long work will take, or how it goes: belongs to progress, and is not shown where progress is not.
    std::function<void(const std::string&)> outlook;

    void tell(const std::string& line) const {
        if (outlook) outlook(line);
    }
    void say(const std::string& line) const {
        if (message) message(line);
    }
    void keeps(const std::string& what) const {
        if (kept) kept(what);
    }
};

}  // namespace spikelens
