#include <algorithm>

#include "spikelens/core/error.h"

#include "commands.h"
#include "interrupt.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;

bool is_trained(const RunDirectory& files) { return fs::exists(files.manifest()) && fs::exists(files.model()); }

bool lies_in(const fs::path& path, const fs::path& folder) {
    const fs::path inner = fs::weakly_canonical(path), outer = fs::weakly_canonical(folder);
    return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

}  // namespace

Execution Call::execution(const std::string& engine) const {
    return {globals.threads, globals.memory, "", console.progress(), asked_to_stop, engine};
}

std::shared_ptr<const RunLock> Call::lock(const fs::path& root) const {
    if (globals.no_wait) return std::make_shared<const RunLock>(root);
    return std::make_shared<const RunLock>(root, [&, said = false]() mutable {
        if (asked_to_stop()) throw Cancelled();
        if (!std::exchange(said, true))
            console.message("waiting: another process is writing into " + root.string() + " (--no-wait ends instead)");
    });
}

Run Call::open(const fs::path& root) const {
    const std::string train = "spikelens train --out " + root.string();
    if (!fs::is_directory(root))
        throw InputError("there is no run directory " + root.string() + "; make one with " + train);
    if (!is_trained(RunDirectory{root}))
        throw InputError(root.string() + " holds no finished training; " + train + " starts or continues one");
    Run run = Run::open(root);
    warn(run.warnings);
    return run;
}

WrittenRun Call::open_to_write(const fs::path& root, const fs::path& out) const {
    const bool within = out.empty() || lies_in(out, root);
    auto held = within && is_trained(RunDirectory{root}) ? lock(root) : nullptr;
    return {std::move(held), open(root)};
}

void Call::warn(const Strings& warnings) const {
    for (const std::string& warning : warnings) console.message_at_end("warning: " + warning);
}

}  // namespace spikelens::app
