#pragma once

#include <string>

#include <c10/util/Exception.h>

#include "spikelens/core/error.h"

namespace spikelens {

/// Runs what calls LibTorch and gives back what it returns. LibTorch's own errors, which carry a stack trace, become a
/// RunError of one sentence that says for what (`task`) memory was missing, or what LibTorch said.
template <class Body>
auto without_torch_errors(const std::string& task, Body&& body) {
    try {
        return body();
    } catch (const c10::Error& error) {
        const std::string text = error.what_without_backtrace();
        if (text.find("allocate memory") != std::string::npos || text.find("out of memory") != std::string::npos)
            throw RunError("not enough memory for " + task + "; fewer threads need less");
        throw RunError(task + ": LibTorch says: " + text.substr(0, text.find('\n')));
    }
}

}  // namespace spikelens
