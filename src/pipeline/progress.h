#pragma once

#include "spikelens/core/execution.h"

namespace spikelens {

/// The progress of an execution, for work that knows nothing else of it: it throws Cancelled when the work was asked to stop.
inline Progress progress_of(const Execution& execution) {
    return [&execution](const ProgressEvent& event) {
        execution.stop_if_cancelled();
        if (execution.progress) execution.progress(event);
    };
}

}  // namespace spikelens
